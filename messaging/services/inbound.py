"""Received SMS, and what a recipient says with one: STOP, START."""

from __future__ import annotations

from copy import copy

from licenses.keywords import opt_out_intent
from licenses.models import Account, Device, KeptSms
from messaging import erased, senders, thread_rows
from messaging.events import EventType as ReportType
from messaging.models import Event, InboundMessage
from messaging.services import opt_outs
from outbox import recording as outbox
from outbox.types import EventType


def receive(message: InboundMessage, device: Device) -> None:
    """Do what its keyword asks, and keep it in the inbox where the owner wants that.

    What is not kept leaves its event's id and nothing else, so that it is heard once. Call inside a
    transaction, once per event.
    """
    account = device.license.account
    message.account = account
    sender = senders.identify(account.pk, account.country, message.sender)
    intent = opt_out_intent(message.text, account.stop_words, account.start_words)
    if intent == "stop":
        opt_outs.opt_out_all(
            account.pk, sender.numbers, opt_outs.Source.SMS, said_at=message.said_at
        )
    elif intent == "start" and sender.is_certain:  # never on a guess
        opt_outs.opt_in_by_sms(account.pk, sender.numbers[0], said_at=message.said_at)
    is_kept = _is_kept(account, device, sender, has_keyword=intent is not None)
    if is_kept and not _is_erased(account, sender, message):
        kept = copy(message)  # what was reported stays, to be heard again if this is undone
        kept.sender = sender.shown
        kept.save(force_insert=True)
        thread_rows.heard(account.pk, kept.sender, kept.pk, message.received_at)
        told = outbox.Told(EventType.SMS_RECEIVED, device.license_id, inbound_id=kept.pk)
        outbox.record(account.pk, [told], message.received_at)
    else:
        Event.objects.create(
            device=device,
            event_id=message.event_id,
            type=ReportType.RECEIVED.value,
            received_at=message.received_at,
        )


def _is_erased(account: Account, sender: senders.Sender, message: InboundMessage) -> bool:
    """Say whether the owner has erased this person since they said it: a phone tells it late."""
    return erased.is_erased(account.pk, {sender.shown, *sender.numbers}, message.came_at)


def _is_kept(
    account: Account, device: Device, sender: senders.Sender, *, has_keyword: bool
) -> bool:
    kept = device.kept_sms or account.kept_sms
    return kept == KeptSms.ALL or (kept == KeptSms.KNOWN and (has_keyword or sender.is_written_to))
