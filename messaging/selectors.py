"""Everything that reads messages for somebody to see. Always scoped to one account."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet

from http_api.errors import Refusal
from licenses.models import License
from messaging.models import Attempt, Batch, InboundMessage, Message, OptOut, StateChange
from messaging.states import WAITING, MessageState


@dataclass(frozen=True, slots=True)
class MessageFilter:
    external_id: str | None = None
    phone: str | None = None  # E.164
    status: MessageState | None = None  # `pending` also means `scheduled`
    since: dt.datetime | None = None  # accepted at or after


def messages(account_id: int, wanted: MessageFilter) -> QuerySet[Message]:
    # By licence, since that is what the indexes start with.
    found = Message.objects.filter(license_id__in=_licenses(account_id))
    if wanted.external_id is not None:
        found = found.filter(external_id=wanted.external_id)
    if wanted.phone is not None:
        found = found.filter(phone=wanted.phone)
    if wanted.status is not None:
        states = WAITING if wanted.status in WAITING else {wanted.status}
        found = found.filter(status__in=states)
    if wanted.since is not None:
        found = found.filter(created_at__gte=wanted.since)
    return found


def _licenses(account_id: int) -> list[int]:
    return list(License.objects.filter(account_id=account_id).values_list("pk", flat=True))


def message(account_id: int, message_id: int) -> Message:
    """Raises Refusal `not_found`, also for another account's message."""
    found = Message.objects.filter(account_id=account_id, pk=message_id).first()
    if found is None:
        raise Refusal("not_found", "There is no such message.")
    return found


def message_of_license(license_id: int, external_id: str) -> Message:
    """The message that was accepted under this external id."""
    return Message.objects.get(license_id=license_id, external_id=external_id)


def batches(license_id: int, dialect: str) -> QuerySet[Batch]:
    """What a licence sent in this dialect; `batch.messages` are fetched with them."""
    found = Batch.objects.filter(license_id=license_id, dialect=dialect)
    return found.prefetch_related(Prefetch("messages", Message.objects.order_by("pk")))


def batch(license_id: int, dialect: str, external_id: str) -> Batch:
    """Raises Refusal `not_found`, also for another licence's."""
    found = batches(license_id, dialect).filter(external_id=external_id).first()
    if found is None:
        raise Refusal("not_found", "There is no such message.")
    return found


def messages_of_batches(license_id: int, dialect: str, phone: str) -> QuerySet[Message]:
    """What a licence sent to this number in this dialect, each with its batch."""
    found = Message.objects.filter(license_id=license_id, phone=phone, batch__dialect=dialect)
    return found.select_related("batch")


def devices_of(message_ids: Sequence[int]) -> dict[int, int]:
    """Which phone has or last had each of these messages; those that none had are absent."""
    attempts = Attempt.objects.filter(message_id__in=message_ids).order_by("n")
    return dict(attempts.values_list("message_id", "device_id"))


def timeline(message: Message) -> list[StateChange]:
    """Every change of this message's state, oldest first."""
    return list(StateChange.objects.filter(message=message).order_by("pk"))


def inbox(account_id: int) -> QuerySet[InboundMessage]:
    return InboundMessage.objects.filter(account_id=account_id)


def opt_outs(account_id: int) -> QuerySet[OptOut]:
    return OptOut.objects.filter(account_id=account_id)
