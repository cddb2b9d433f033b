"""Phones, messages and what recipients said, in the admin. Nothing here writes a message's row."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from http_api import clock
from http_api.errors import ApiError
from licenses import services as licenses
from licenses.admin import LookedUpAdmin, ReadOnlyAdmin, shown_once
from licenses.models import Account, Device, License
from messaging import reasons
from messaging.forms import PhoneForm
from messaging.models import (
    Attempt,
    Event,
    InboundMessage,
    Message,
    OptOut,
    StateChange,
)
from messaging.phone import mask
from messaging.services import opt_outs, owner, phones

_ID = re.compile("[0-9]{1,18}", re.ASCII)


@admin.register(Device)
class DeviceAdmin(ReadOnlyAdmin):
    list_display = (
        "name", "license", "last_sync_at", "state", "battery", "app_version", "android", "mode",
    )  # fmt: skip
    list_select_related = ("license__account",)
    list_filter = ("is_paused",)
    search_fields = ("name", "license__account__name")
    fields = (
        "name", "license", "mode", "kept_sms", "is_paused", "last_sync_at", "silent_since", "revoked_at",
        "android", "app_version", "sims", "failing_sims", "health",
    )  # fmt: skip
    readonly_fields = fields[1:2] + fields[5:]
    actions = ("pause", "resume", "revoke", "pair_again")

    def save_model(self, request: HttpRequest, obj: Device, form: Any, change: bool) -> None:
        if obj.is_paused:
            phones.pause([obj])
        super().save_model(request, obj, form, change)

    @admin.display(description=_("state"))
    def state(self, device: Device) -> str:
        if device.revoked_at:
            return gettext("unpaired")
        if device.silent_since:
            return format_html(
                "<strong>{} {}</strong>",
                gettext("silent for"),
                timesince(device.silent_since, clock.now()),
            )
        if device.failing_sims:
            return format_html("<strong>{}</strong>", gettext("a SIM cannot send"))
        return gettext("paused") if device.is_paused else gettext("in service")

    @admin.display(description=_("battery"))
    def battery(self, device: Device) -> str:
        level = device.health.get("battery")
        return "" if level is None else f"{level} %"

    @admin.action(description=_("Pause: no new messages"), permissions=["change"])
    def pause(self, request: HttpRequest, devices: QuerySet[Device]) -> None:
        self.message_user(request, f"{phones.pause(devices.select_related('license'))} paused.")

    @admin.action(description=_("Resume"), permissions=["change"])
    def resume(self, request: HttpRequest, devices: QuerySet[Device]) -> None:
        self.message_user(request, f"{phones.resume(devices)} resumed.")

    @admin.action(description=_("Unpair"), permissions=["change"])
    def revoke(self, request: HttpRequest, devices: QuerySet[Device]) -> None:
        for device in devices:
            licenses.revoke(device)
        self.message_user(request, "Unpaired: their next call is refused.")

    @admin.action(description=_("Pair again: code for a new install"), permissions=["change"])
    def pair_again(self, request: HttpRequest, devices: QuerySet[Device]) -> HttpResponse:
        codes = {
            f"code for {device}": licenses.new_pairing_code(device.license, replaces=device).code
            for device in devices.select_related("license")
        }
        return shown_once(request, "Pairing codes, good for ten minutes", codes, codes=codes)


class _Inline(admin.TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StateChangeInline(_Inline):
    model = StateChange
    fields = ("at", "from_state", "to_state", "why")
    readonly_fields = ("why",)
    ordering = ("pk",)

    @admin.display(description=_("cause"))
    def why(self, change: StateChange) -> str:
        return reasons.with_words(change.cause)


class AttemptInline(_Inline):
    model = Attempt
    fields = ("n", "device", "state", "leased_at", "leased_until", "is_superseded")
    ordering = ("n",)


@admin.register(Message)
class MessageAdmin(LookedUpAdmin, ReadOnlyAdmin):
    list_display = ("id", "account", "masked_phone", "status", "parts", "age", "reason")
    list_select_related = ("account",)
    list_filter = ("status",)
    search_fields = ("id", "external_id")
    ordering = ("-id",)
    exclude = ("failure_reason",)
    readonly_fields = ("reason",)
    inlines = (StateChangeInline, AttemptInline)
    actions = ("was_sent", "send_again", "give_up", "cancel")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Make a single message read-only; the list keeps the permission, which its actions need."""
        return obj is None and super().has_change_permission(request, obj)

    def found(self, term: str) -> Q:
        licenses = License.objects.values_list("pk", flat=True)
        found = Q(license_id__in=list(licenses), external_id=term)
        return found | Q(pk=int(term)) if _ID.fullmatch(term) else found

    @admin.display(description=_("phone"))
    def masked_phone(self, message: Message) -> str:
        return mask(message.phone) if message.phone else gettext("(erased)")

    @admin.display(description=_("failure reason"), ordering="failure_reason")
    def reason(self, message: Message) -> str:
        return reasons.with_words(message.failure_reason)

    @admin.display(description=_("age"), ordering="created_at")
    def age(self, message: Message) -> str:
        return timesince(message.created_at, clock.now())

    @admin.action(description=_("Uncertain: it was sent"), permissions=["change"])
    def was_sent(self, request: HttpRequest, rows: QuerySet[Message]) -> None:
        self._each(request, rows, lambda row: owner.resolve(row.account_id, row.pk, "sent"))

    @admin.action(
        description=_("Uncertain, or failed as a whole: send it again"), permissions=["change"]
    )
    def send_again(self, request: HttpRequest, rows: QuerySet[Message]) -> None:
        self._each(request, rows, lambda row: owner.resolve(row.account_id, row.pk, "again"))

    @admin.action(description=_("Uncertain: give it up"), permissions=["change"])
    def give_up(self, request: HttpRequest, rows: QuerySet[Message]) -> None:
        self._each(request, rows, lambda row: owner.resolve(row.account_id, row.pk, "given_up"))

    @admin.action(description=_("Cancel"), permissions=["change"])
    def cancel(self, request: HttpRequest, rows: QuerySet[Message]) -> None:
        self._each(request, rows, lambda row: owner.cancel(row.account_id, row.pk))

    def _each(
        self, request: HttpRequest, rows: QuerySet[Message], decide: Callable[[Message], Message]
    ) -> None:
        for row in rows:
            try:
                after = decide(row)
            except ApiError as error:
                self.message_user(request, f"Message {row.pk}: {error.message}", messages.WARNING)
                self.log_change(request, row, f"Refused: {error.message}")
            else:
                self.message_user(request, f"Message {row.pk} is {after.status} now.")


@admin.register(OptOut)
class OptOutAdmin(LookedUpAdmin):
    form = PhoneForm
    list_display = ("phone", "account", "source", "created_at")
    list_select_related = ("account",)
    search_fields = ("phone",)
    fields = ("account", "phone")
    raw_id_fields = ("account",)

    def found(self, term: str) -> Q:
        accounts = Account.objects.values_list("pk", flat=True)
        return Q(account_id__in=list(accounts), phone=term)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: OptOut, form: Any, change: bool) -> None:
        """Through the service, which cancels what waits for this number."""
        row, _ = opt_outs.opt_out(obj.account_id, obj.phone, opt_outs.Source.ADMIN)
        obj.pk = row.pk

    def delete_model(self, request: HttpRequest, obj: OptOut) -> None:
        opt_outs.opt_in(obj.account_id, obj.phone)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[OptOut]) -> None:
        for row in queryset:
            opt_outs.opt_in(row.account_id, row.phone)


@admin.register(InboundMessage)
class InboundMessageAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "arrived_at", "account", "masked_sender", "device")
    fields = (
        "account", "device", "sender", "text", "sim", "sent_at", "arrived_at", "received_at",
    )  # fmt: skip
    readonly_fields = ("sent_at", "arrived_at")
    list_select_related = ("account", "device")
    ordering = ("-id",)
    sortable_by = ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("sender"))
    def masked_sender(self, message: InboundMessage) -> str:
        return mask(message.sender)


@admin.register(Event)
class QuarantinedEventAdmin(ReadOnlyAdmin):
    """Reports that could not be applied; the others stand in their messages' timelines."""

    list_display = ("received_at", "device", "type", "message_id", "attempt", "quarantine")
    list_select_related = ("device",)
    ordering = ("-received_at",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return Event.objects.exclude(quarantine="")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
