"""Contacts and groups in the admin."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from contacts import alerts
from contacts.models import Contact, ContactGroup, Membership, UnreadableContact
from contacts.selectors import named
from http_api.errors import ApiError
from http_api.pagination import edge
from licenses import tokens
from licenses.admin import (
    AuditedAdmin,
    LookedUpAdmin,
    ReadOnlyAdmin,
    form_of_secrets,
    shown_once,
)
from licenses.models import Account, HookLink, License
from messaging.forms import PhoneForm
from messaging.phone import mask

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


class HookLinkForm(forms.Form):
    """A new hook link; with recipients it is an alert link."""

    license = forms.ModelChoiceField(
        License.objects.select_related("account"),
        label=_("licence"),
        widget=forms.NumberInput,
        help_text=_("Its number."),
    )
    numbers = forms.CharField(
        label=_("sends to the numbers"),
        required=False,
        widget=forms.Textarea,
        help_text=_("One on each line. Without any, and without a group, each call names its own."),
    )
    group = forms.CharField(label=_("sends to the group"), required=False, help_text=_("Its name."))

    def make(self) -> str:
        """Return the token of the new link. Raise ApiError."""
        license, group = self.cleaned_data["license"], self.cleaned_data["group"]
        lines = self.cleaned_data["numbers"].splitlines()
        numbers = [line for line in lines if line.strip()]
        if not numbers and not group:
            return tokens.new_hook(license)
        return alerts.new_link(license, numbers, group)


@admin.register(HookLink)
class HookLinkAdmin(ReadOnlyAdmin):
    """URLs that send: to make one, to see which there are, and to revoke them."""

    list_display = ("hint", "license", "sends_to", "created_at", "revoked_at")
    list_select_related = ("license__account",)
    fields = readonly_fields = list_display
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[HookLink]:
        return super().get_queryset(request).filter(kind=HookLink.Kind.HOOK)

    @admin.action(description=_("Revoke"), permissions=["change"])
    def revoke(self, request: HttpRequest, links: QuerySet[HookLink]) -> None:
        number = sum(tokens.revoke(link.license_id, link.public_id) for link in links)
        self.message_user(request, f"{number} revoked.")

    @admin.display(description=_("sends to"))
    def sends_to(self, link: HookLink) -> str:
        named = [mask(phone) for phone in link.alert_phones]
        if link.alert_group_id:
            named.append(f"{gettext('group')} {link.alert_group_id}")
        return ", ".join(named) or "-"

    @method_decorator(never_cache)
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            return HttpResponse(status=403)
        form = HookLinkForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                token = form.make()
            except ApiError as error:
                for field, problems in error.errors.items():
                    form.add_error(field, problems)
            else:
                license = form.cleaned_data["license"]
                self.log_addition(
                    request, HookLink.objects.filter(license=license).latest("pk"), ""
                )
                links = {f"hook link of {license}": tokens.hook_link(token)}
                return shown_once(request, "New hook link", links, "../")
        return form_of_secrets(request, _("New hook link"), form, _("Make a hook link"))
