"""Webhooks in the admin: which were taken, and why the others were not."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from licenses.admin import ReadOnlyAdmin
from webhooks import endpoints
from webhooks.models import Delivery, DeliveryAttempt, Endpoint


class _NothingToChange(ReadOnlyAdmin):
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)


def _host(url: str) -> str:
    """Return its host alone: paths and query strings of such URLs are secrets."""
    return urlsplit(url).hostname or ""


@admin.register(Endpoint)
class EndpointAdmin(_NothingToChange):
    sortable_by = ()
    list_display = (
        "id", "account", "host", "kind", "state", "failing_since", "failures", "tried_at",
    )  # fmt: skip
    list_select_related = ("account",)
    list_filter = ("kind", ("disabled_at", admin.EmptyFieldListFilter))
    ordering = ("-pk",)
    fields = (
        "account", "license", "kind", "host", "name", "event_types", "state", "disabled_at",
        "failing_since", "failures", "rests_until", "tried_at", "created_at",
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description=_("host"))
    def host(self, endpoint: Endpoint) -> str:
        return _host(endpoint.url)

    @admin.display(description=_("state"))
    def state(self, endpoint: Endpoint) -> str:
        if endpoint.disabled_at:
            words = endpoint.get_disabled_reason_display()
            return format_html('<b class="trouble">{}: {}</b>', gettext("off"), words)
        return gettext("rests") if endpoint.rests_until else gettext("in service")


class _Attempts(admin.TabularInline):
    model = DeliveryAttempt
    extra = 0
    can_delete = False
    fields = ("at", "status_code", "error", "duration_ms")
    readonly_fields = fields
    ordering = ("pk",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Delivery)
class DeliveryAdmin(_NothingToChange):
    sortable_by = ()
    list_display = ("id", "account", "host", "told", "state", "tries", "next_at", "delivered_at")
    list_select_related = ("account", "endpoint", "event", "batch")
    list_filter = (("delivered_at", admin.EmptyFieldListFilter),)
    ordering = ("-pk",)
    fields = (
        "account", "endpoint", "host", "told", "state", "tries", "created_at", "next_at", "delivered_at",
    )  # fmt: skip
    readonly_fields = fields
    inlines = (_Attempts,)
    actions = ("again",)

    @admin.display(description=_("host"))
    def host(self, delivery: Delivery) -> str:
        return _host(delivery.url or delivery.endpoint.url)

    @admin.display(description=_("told"))
    def told(self, delivery: Delivery) -> str:
        return str(delivery.batch) if delivery.event is None else delivery.event.type

    @admin.display(description=_("state"))
    def state(self, delivery: Delivery) -> str:
        if delivery.delivered_at:
            return gettext("delivered")
        if delivery.next_at is None:
            return format_html('<b class="trouble">{}</b>', gettext("given up"))
        return gettext("to be tried again") if delivery.tries else gettext("waits")

    @admin.action(description=_("Given up: try again for three days"), permissions=["change"])
    def again(self, request: HttpRequest, rows: QuerySet[Delivery]) -> None:
        number = endpoints.replay_given_up(rows)
        self.message_user(request, f"{number} will be tried again.")
