"""Everything that reads messages for somebody to see. Always scoped to one account."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import QuerySet

from http_api.errors import Refusal
from licenses.models import License
from messaging.models import InboundMessage, Message, OptOut, StateChange
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


def timeline(message: Message) -> list[StateChange]:
    """Every change of this message's state, oldest first."""
    return list(StateChange.objects.filter(message=message).order_by("pk"))


def inbox(account_id: int) -> QuerySet[InboundMessage]:
    return InboundMessage.objects.filter(account_id=account_id)


def opt_outs(account_id: int) -> QuerySet[OptOut]:
    return OptOut.objects.filter(account_id=account_id)
