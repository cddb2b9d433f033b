"""People and their roles, for the installation's operators. The audit trail is only read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from members.models import AuditEntry, Member


@admin.register(Member)
class MemberAdmin(admin.ModelAdmin):
    list_display = ("user", "account", "role", "created_at")
    list_select_related = ("user", "account")
    autocomplete_fields = ("account", "user")


@admin.register(AuditEntry)
class AuditEntryAdmin(admin.ModelAdmin):
    list_display = ("at", "account", "username", "action", "object_id", "count", "network")
    list_select_related = ("account",)
    list_filter = ("action",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
