"""Contacts and groups in the admin."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from contacts.models import Contact, ContactGroup, Membership, UnreadableContact
from contacts.selectors import named
from http_api.pagination import edge
from licenses.admin import AuditedAdmin, LookedUpAdmin, ReadOnlyAdmin
from licenses.models import Account
from messaging.forms import PhoneForm

_NUMBER = re.compile(r"\+?[0-9]{3,16}", re.ASCII)


class OfOneAccountAdmin(AuditedAdmin):
    """Keep an object in its account for good: contacts and groups refer to each other within it."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("account",) if obj else ()


class MembershipFormSet(forms.BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        account_id = self.instance.account_id
        for form in self.forms:
            group = form.cleaned_data.get("contactgroup") if form.is_valid() else None
            if group and group.account_id != account_id:
                form.add_error("contactgroup", _("This group belongs to another account."))
            form.instance.account_id = account_id


class MembershipInline(admin.TabularInline):
    model = Membership
    formset = MembershipFormSet
    fields = raw_id_fields = ("contactgroup",)
    extra = 1
    verbose_name = _("group")
    verbose_name_plural = _("groups")


@admin.register(Contact)
class ContactAdmin(LookedUpAdmin, OfOneAccountAdmin):
    form = PhoneForm
    fields = ("account", "phone", "name")
    list_display = ("name", "phone", "account")
    list_select_related = ("account",)
    search_fields = ("name", "phone")
    search_help_text = _("A whole number, or a part of the name of one of the newest.")
    raw_id_fields = ("account",)

    def found(self, term: str) -> Q:
        if _NUMBER.fullmatch(term):
            accounts = Account.objects.values_list("pk", flat=True)
            return Q(account_id__in=list(accounts), phone=term)
        newest = Q(pk__gte=edge(Contact.objects.order_by("-pk")) or 0)
        return newest & named(term)

    inlines = (MembershipInline,)


@admin.register(UnreadableContact)
class UnreadableContactAdmin(ReadOnlyAdmin):
    """Those whom an upgrade found with a number that is none."""

    list_display = ("name", "phone", "account", "groups")
    list_select_related = ("account",)
    search_fields = ("name",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)


@admin.register(ContactGroup)
class ContactGroupAdmin(OfOneAccountAdmin):
    list_display = ("name", "account")
    list_select_related = ("account",)
    search_fields = ("name",)
    raw_id_fields = ("account",)
