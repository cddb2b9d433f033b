"""Everything that reads messages for somebody to see. Always scoped to one account."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BooleanField,
    Func,
    Model,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Sum,
)
from django.db.models.functions import Coalesce

from http_api import pagination
from http_api.errors import or_not_found
from http_api.pagination import walked
from licenses.models import License
from messaging.ids_by_time import TIME_OF, end_id, first_id
from messaging.models import (
    Attempt,
    Batch,
    DailyCount,
    InboundMessage,
    Message,
    OptOut,
    PhoneCount,
    StateChange,
)
from messaging.states import FINAL, WAITING, MessageState

Row = TypeVar("Row", bound=Model)


def between(
    rows: QuerySet[Row], start: dt.datetime | None, end: dt.datetime | None = None
) -> QuerySet[Row]:
    """Return those of these rows that were made at `start` or later, and before `end`."""
    time = TIME_OF[rows.model]
    if start is not None:
        rows = rows.filter(**{f"{time}__gte": start, "pk__gte": first_id(rows.model, start)})
    if end is not None:
        rows = rows.filter(**{f"{time}__lt": end, "pk__lt": end_id(rows.model, end)})
    return rows


@dataclass(frozen=True, slots=True)
class MessageFilter:
    external_id: str | None = None  # or several, separated by commas
    phones: tuple[str, ...] | None = None  # E.164, any of these
    status: MessageState | None = None  # `pending` also means `scheduled`
    since: dt.datetime | None = None  # accepted at or after
    until: dt.datetime | None = None  # accepted before
    device: int | None = None  # the phone that has or last had it

    @property
    def by_index(self) -> MessageFilter:
        """The same without what no index serves. Most messages end in one of two states: where few of a
        licence's do, a list walks past the others; and past those that another phone had."""
        is_common = self.status in {MessageState.SENT, MessageState.DELIVERED}
        return replace(self, status=None if is_common else self.status, device=None)


def messages(account_id: int, wanted: MessageFilter) -> QuerySet[Message]:
    return messages_of(_licenses(account_id), wanted)


def messages_of(licenses: Sequence[int], wanted: MessageFilter) -> QuerySet[Message]:
    """Return the messages of these licences: of all of an account's, since indexes start with it."""
    found = Message.objects.filter(license_id__in=licenses)
    if wanted.external_id is not None:
        found = found.filter(external_id__in=_ids(found, wanted.external_id))
    if wanted.phones is not None:
        found = found.filter(phone__in=wanted.phones)
    if wanted.status is not None:
        found = found.filter(_is_shown_as(wanted.status))
    if wanted.device is not None:
        found = found.alias(device=_LAST_DEVICE).filter(device=wanted.device)
    return between(found, wanted.since, wanted.until)


# A scalar subquery is one look-up by index for each row of a page; a join may hash the whole table.
_LAST_DEVICE = Subquery(
    Attempt.objects.filter(message=OuterRef("pk")).order_by("-n").values("device_id")[:1]
)


def walked_messages(account_id: int, wanted: MessageFilter) -> QuerySet[Message] | None:
    """Return what a list of `messages` walks (http_api.pagination), where no index serves the whole
    filter; else None."""
    by_index = wanted.by_index
    return None if by_index == wanted else messages(account_id, by_index)


def _is_shown_as(status: MessageState) -> Q:
    """`pending` is shown for both that wait. Joined by OR: each has a partial index of its own."""
    if status in WAITING:
        return Q(status=MessageState.SCHEDULED) | Q(status=MessageState.PENDING)
    return Q(status=status)


def split_ids(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _ids(found: QuerySet[Message], text: str) -> list[str]:
    """Split comma-separated ids, unless the whole text is one message's id: an id may hold a comma."""
    is_one = "," in text and found.filter(external_id=text).exists()
    return [text] if is_one else split_ids(text)


def _licenses(account_id: int) -> list[int]:
    return list(License.objects.filter(account_id=account_id).values_list("pk", flat=True))


def message(account_id: int, message_id: int) -> Message:
    """Raise ApiError `not_found`, also for another account's message."""
    return or_not_found(
        Message.objects.filter(account_id=account_id, pk=message_id).first(), "message"
    )


def message_of_license(license_id: int, external_id: str) -> Message:
    """Return the message accepted under this external id; raise Message.DoesNotExist."""
    return Message.objects.get(license_id=license_id, external_id=external_id)


def batches(license_id: int, dialect: str) -> QuerySet[Batch]:
    """Return what a licence sent in this dialect; `batch.messages` are fetched with them."""
    found = Batch.objects.filter(license_id=license_id, dialect=dialect)
    return found.prefetch_related(Prefetch("messages", Message.objects.order_by("pk")))


def batches_with_text(account_id: int, license_id: int, dialect: str) -> QuerySet[Batch]:
    """Return the mailings whose text was given first and is not erased yet, newest first, without their
    messages. By account and time, as the index of those with a text has it."""
    mine = Batch.objects.filter(account_id=account_id, license_id=license_id, dialect=dialect)
    return mine.exclude(text="").order_by("-created_at", "-pk")


def batch(license_id: int, dialect: str, external_id: str) -> Batch:
    """Raise ApiError `not_found`, also for another licence's."""
    return or_not_found(
        batches(license_id, dialect).filter(external_id=external_id).first(), "message"
    )


def batch_by_id(license_id: int, dialect: str, batch_id: int) -> Batch:
    """As `batch`, for vendors whose ids are numbers; its messages are not fetched with it."""
    mine = Batch.objects.filter(license_id=license_id, dialect=dialect)
    return or_not_found(mine.filter(pk=batch_id).first(), "message")


def messages_of_batches(
    license_id: int, dialect: str, phone: str | None = None
) -> QuerySet[Message]:
    """Return what a licence sent (to this number) in this dialect, each with its batch."""
    found = Message.objects.filter(license_id=license_id, batch__dialect=dialect)
    if phone is not None:
        found = found.filter(phone=phone)
    return found.select_related("batch")


class _IsAnyOf(Func):
    """`column = ANY (ARRAY(SELECT …))`: the array is made once, then one index finds its rows, in its
    order. A join or IN lets the planner walk the batches, or the messages, of all accounts instead."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY ("
    output_field = BooleanField()


def messages_along(batches: QuerySet[Batch]) -> QuerySet[Message]:
    """Return the messages of the first of these batches, which are in the order of their ids: batch by
    batch, in the same order."""
    found = Message.objects.filter(
        _IsAnyOf("batch_id", ArraySubquery(walked(batches.values("pk"))))
    )
    is_ascending = batches.query.order_by[0] == "pk"
    return found.order_by(*(("batch_id", "pk") if is_ascending else ("-batch_id", "-pk")))


def columns_along(
    batches: QuerySet[Batch], *columns: Any
) -> tuple[dict[int, list[tuple[Any, ...]]], bool]:
    """Return these columns of the messages of each of these batches, by its id and in their order, and
    whether these are all: only as many, but always one, as have `pagination.MOST` messages."""
    rows = list(walked(messages_along(batches).values_list("batch_id", *columns)))
    found = {
        batch_id: [row[1:] for row in of_batch]
        for batch_id, of_batch in groupby(rows, itemgetter(0))
    }
    is_cut = len(rows) > pagination.MOST
    if is_cut and len(found) > 1:
        found.popitem()  # some of its messages are missing
    return found, not is_cut


@dataclass(frozen=True, slots=True)
class Mailing:
    """A batch with figures instead of messages. Of more than `pagination.MOST` that many are counted."""

    id: int
    name: str
    created_at: dt.datetime
    send_after: dt.datetime | None
    messages: int
    parts: int
    waiting: int
    sent: int
    delivered: int


def mailings(license_id: int, dialect: str, *, newest: int) -> list[Mailing]:
    """Return what a licence sent last in this dialect, newest first, without requests of several: so
    many, or as many as have `pagination.MOST` messages."""
    mine = Batch.objects.filter(license_id=license_id, dialect=dialect).order_by("-pk")
    # A request is older than each of its mailings: at least half of the newest rows are mailings, and
    # each request there is known by one of them.
    columns = ("pk", "name", "created_at", "send_after", "parent_id")
    rows = list(mine.values_list(*columns)[: 2 * newest])
    requests = {row[-1] for row in rows}
    found = [row[:-1] for row in rows if row[0] not in requests][:newest]
    oldest = found[-1][0] if found else 0
    messages, is_all = columns_along(mine.filter(pk__gte=oldest), "status", "parts")
    if not is_all:
        found = [row for row in found if row[0] >= min(messages)]
    return [Mailing(*row, *_figures(messages.get(row[0], []))) for row in found]


def _figures(messages: list[tuple[Any, ...]]) -> tuple[int, ...]:
    """Return the last five fields of Mailing, of these messages' status and parts."""
    in_state = Counter(status for status, _ in messages)
    waiting = len(messages) - sum(in_state[state] for state in FINAL)
    sent, delivered = in_state[MessageState.SENT], in_state[MessageState.DELIVERED]
    return len(messages), sum(parts for _, parts in messages), waiting, sent, delivered


def message_of_batch(license_id: int, dialect: str, message_id: int) -> Message:
    """Raise ApiError `not_found`, also for another licence's."""
    return or_not_found(
        messages_of_batches(license_id, dialect).filter(pk=message_id).first(), "message"
    )


def devices_of(message_ids: Sequence[int]) -> dict[int, int]:
    """Map each message to the phone that has or last had it; a message that none had is absent."""
    attempts = Attempt.objects.filter(message_id__in=message_ids).order_by("n")
    return dict(attempts.values_list("message_id", "device_id"))


def takers(message: Message) -> list[str]:
    """Return the names of the phones that took it, one an attempt."""
    attempts = Attempt.objects.filter(message=message).order_by("n")
    return list(attempts.values_list("device__name", flat=True))


def timeline(message: Message) -> list[StateChange]:
    """Every change of this message's state, oldest first."""
    return list(StateChange.objects.filter(message=message).order_by("pk"))


@dataclass(frozen=True, slots=True)
class InboxFilter:
    sender: str | None = None
    device: int | None = None
    since: dt.datetime | None = None  # received at or after
    until: dt.datetime | None = None  # received before
    after: int = 0  # newer than this id


def inbox(account_id: int, wanted: InboxFilter = InboxFilter()) -> QuerySet[InboundMessage]:
    found = InboundMessage.objects.filter(account_id=account_id, pk__gt=wanted.after)
    if wanted.sender is not None:
        found = found.filter(sender=wanted.sender)
    if wanted.device is not None:
        found = found.filter(device=wanted.device)
    return between(found, wanted.since, wanted.until)


def daily_counts(
    account_id: int, since: dt.date
) -> QuerySet[DailyCount, tuple[dt.date | None, str, int]]:
    """Return (day in UTC, state, how many messages reached it) of each of the account's licences."""
    found = DailyCount.objects.filter(license__account_id=account_id, day__gte=since)
    return found.values_list("day", "state", "number")


class PhoneFigures(NamedTuple):
    """How many messages of a phone's SIM (None: its default one) reached a state."""

    device_id: int
    sim: int | None
    state: str
    number: int
    on_last_day: int


def phone_figures(account_id: int, first: dt.date, last: dt.date) -> list[PhoneFigures]:
    """Return what the account's phones reached on these days in UTC."""
    found = PhoneCount.objects.filter(device__license__account_id=account_id)
    on_last_day = Coalesce(Sum("number", filter=Q(day=last)), 0)
    rows = (
        found.filter(day__range=(first, last))
        .values_list("device_id", "sim", "state")
        .annotate(total=Sum("number"), on_last_day=on_last_day)
    )
    return [PhoneFigures(*row) for row in rows.order_by("device_id", "sim")]


def opt_outs(account_id: int) -> QuerySet[OptOut]:
    return OptOut.objects.filter(account_id=account_id)


def details_ended(message: Message, changes: Sequence[StateChange]) -> bool:
    """Tell it of a message and its changes of state: no other one is final without any, but for what was
    cancelled when it was accepted."""
    was_never_open = not message.attempt_n and message.finished_at == message.created_at
    return message.status in FINAL and not changes and not was_never_open
