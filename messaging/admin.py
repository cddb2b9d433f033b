"""Phones, messages and what recipients said, in the admin. Nothing here writes a message's row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.timesince import timesince

from http_api import clock
from http_api.errors import Refusal
from licenses import services as licenses
from licenses.admin import ReadOnlyAdmin, shown_once
from licenses.models import Device
from messaging import wakeup
from messaging.models import (
    Attempt,
    Event,
    InboundMessage,
    Message,
    OptOut,
    StateChange,
    WebhookDelivery,
)
from messaging.phone import InvalidPhone, mask, parse_phone
from messaging.services import opt_outs, owner, webhooks


@admin.register(Device)
class DeviceAdmin(ReadOnlyAdmin):
    list_display = (
        "name", "license", "last_sync_at", "state", "battery", "app_version", "android", "mode",
    )  # fmt: skip
    list_select_related = ("license__account",)
    list_filter = ("is_paused", "license")
    fields = (
        "name", "license", "mode", "is_paused", "last_sync_at", "silent_since", "revoked_at",
        "android", "app_version", "sims", "health",
    )  # fmt: skip
    readonly_fields = fields[1:2] + fields[4:]
    actions = ("pause", "resume", "revoke", "pair_again")

    @admin.display(description="state")
    def state(self, device: Device) -> str:
        if device.revoked_at:
            return "unpaired"
        if device.silent_since:
            return format_html(
                '<b style="color: #b00">silent for {}</b>',
                timesince(device.silent_since, clock.now()),
            )
        return "paused" if device.is_paused else "in service"

    @admin.display(description="battery")
    def battery(self, device: Device) -> str:
        level = device.health.get("battery")
        return "" if level is None else f"{level} %"

    @admin.action(description="Pause: no new messages", permissions=["change"])
    def pause(self, request: HttpRequest, devices: QuerySet[Device]) -> None:
        self.message_user(request, f"{devices.update(is_paused=True)} paused.")

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, devices: QuerySet[Device]) -> None:
        self.message_user(request, f"{devices.update(is_paused=False)} resumed.")
        for license_id in set(devices.values_list("license_id", flat=True)):
            wakeup.after_commit(license_id)

    @admin.action(description="Unpair", permissions=["change"])
    def revoke(self, request: HttpRequest, devices: QuerySet[Device]) -> None:
        for device in devices:
            licenses.revoke(device)
        self.message_user(request, "Unpaired: their next call is refused.")

    @admin.action(description="Pair again: code for a new install", permissions=["change"])
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
    fields = ("at", "from_state", "to_state", "cause")
    ordering = ("pk",)


class AttemptInline(_Inline):
    model = Attempt
    fields = ("n", "device", "state", "leased_at", "leased_until", "is_superseded")
    ordering = ("n",)


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("id", "account", "masked_phone", "status", "parts", "age", "failure_reason")
    list_select_related = ("account",)
    list_filter = ("status", ("license", admin.RelatedOnlyFieldListFilter))
    search_fields = ("=id", "=external_id")
    show_full_result_count = False
    ordering = ("-id",)
    inlines = (StateChangeInline, AttemptInline)
    actions = ("was_sent", "send_again", "give_up", "cancel")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A single message is to be looked at; the list's actions decide about it."""
        return obj is None and super().has_change_permission(request, obj)

    @admin.display(description="phone")
    def masked_phone(self, message: Message) -> str:
        return mask(message.phone) if message.phone else "(erased)"

    @admin.display(description="age", ordering="created_at")
    def age(self, message: Message) -> str:
        return timesince(message.created_at, clock.now())

    @admin.action(description="Uncertain: it was sent", permissions=["change"])
    def was_sent(self, request: HttpRequest, rows: QuerySet[Message]) -> None:
        self._each(request, rows, lambda row: owner.resolve(row.account_id, row.pk, "sent"))

    @admin.action(description="Uncertain: send it again", permissions=["change"])
    def send_again(self, request: HttpRequest, rows: QuerySet[Message]) -> None:
        self._each(request, rows, lambda row: owner.resolve(row.account_id, row.pk, "again"))

    @admin.action(description="Uncertain: give it up", permissions=["change"])
    def give_up(self, request: HttpRequest, rows: QuerySet[Message]) -> None:
        self._each(request, rows, lambda row: owner.resolve(row.account_id, row.pk, "given_up"))

    @admin.action(description="Cancel", permissions=["change"])
    def cancel(self, request: HttpRequest, rows: QuerySet[Message]) -> None:
        self._each(request, rows, lambda row: owner.cancel(row.account_id, row.pk))

    def _each(
        self, request: HttpRequest, rows: QuerySet[Message], decide: Callable[[Message], Message]
    ) -> None:
        for row in rows:
            try:
                after = decide(row)
            except Refusal as refusal:
                self.message_user(request, f"Message {row.pk}: {refusal.message}", messages.WARNING)
            else:
                self.message_user(request, f"Message {row.pk} is {after.status} now.")


@admin.register(WebhookDelivery)
class WebhookAdmin(ReadOnlyAdmin):
    """Callbacks of batches: which were taken, and why the others were not."""

    list_display = (
        "batch", "account", "host", "state", "tries", "error", "next_at", "delivered_at",
    )  # fmt: skip
    list_select_related = ("batch__account",)
    list_filter = (("delivered_at", admin.EmptyFieldListFilter),)
    show_full_result_count = False
    ordering = ("-batch_id",)
    actions = ("again",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    @admin.display(description="account")
    def account(self, webhook: WebhookDelivery) -> str:
        return str(webhook.batch.account)

    @admin.display(description="host")
    def host(self, webhook: WebhookDelivery) -> str:
        """Paths and query strings of such URLs are secrets."""
        return urlsplit(webhook.batch.callback_url).hostname or ""

    @admin.display(description="state")
    def state(self, webhook: WebhookDelivery) -> str:
        if webhook.delivered_at:
            return "delivered"
        if webhook.next_at is None:
            return format_html('<b style="color: #b00">{}</b>', "given up")
        return "to be tried again" if webhook.tries else "waits for its messages"

    @admin.action(description="Given up: try again for a day", permissions=["change"])
    def again(self, request: HttpRequest, rows: QuerySet[WebhookDelivery]) -> None:
        self.message_user(request, f"{webhooks.try_again(rows)} will be tried again.")


@admin.register(OptOut)
class OptOutAdmin(admin.ModelAdmin):
    list_display = ("phone", "account", "source", "created_at")
    list_select_related = ("account",)
    search_fields = ("=phone",)
    fields = ("account", "phone")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: OptOut, form: Any, change: bool) -> None:
        """Through the service, which cancels what waits for this number."""
        try:
            obj.phone = parse_phone(obj.phone, obj.account.country, allow_short_codes=True)
        except InvalidPhone as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        row, _ = opt_outs.opt_out(obj.account_id, obj.phone, opt_outs.Source.ADMIN)
        obj.pk = row.pk


@admin.register(InboundMessage)
class InboundMessageAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "account", "masked_sender", "device")
    list_select_related = ("account", "device")
    show_full_result_count = False
    ordering = ("-id",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="sender")
    def masked_sender(self, message: InboundMessage) -> str:
        return mask(message.sender)


@admin.register(Event)
class QuarantinedEventAdmin(ReadOnlyAdmin):
    """Reports that could not be applied; the others stand in their messages' timelines."""

    list_display = ("received_at", "device", "type", "message_id", "attempt", "quarantine")
    list_select_related = ("device",)
    show_full_result_count = False
    ordering = ("-received_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return Event.objects.exclude(quarantine="")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
