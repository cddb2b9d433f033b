"""Contacts and groups in the admin."""

from __future__ import annotations

from django.contrib import admin

from contacts.models import Contact, ContactGroup


@admin.register(Contact)
class ContactAdmin(admin.ModelAdmin):
    list_display = ("name", "phone", "account")
    list_select_related = ("account",)
    search_fields = ("name", "=phone")
    show_full_result_count = False
    raw_id_fields = ("account", "groups")


@admin.register(ContactGroup)
class ContactGroupAdmin(admin.ModelAdmin):
    list_display = ("name", "account")
    list_select_related = ("account",)
    search_fields = ("name",)
    raw_id_fields = ("account",)
