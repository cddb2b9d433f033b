"""Conversations: which there are, and what was said in one. Always scoped to one account.

What was said is read from messages and received SMS, by the number, along their own indexes.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from django.db.models import F, Q, QuerySet

from http_api.errors import or_not_found
from http_api.pagination import edge
from http_api.shapes import MAX_ID
from messaging import selectors
from messaging.models import InboundMessage, Message, OptOut, Thread
from messaging.phone import STORED_PHONE, spellings
from messaging.selectors import MessageFilter

MOST_UNREAD = 100  # that are counted


class Show(StrEnum):
    READ = "read"  # and not put away
    UNREAD = "unread"
    MINE = "mine"
    ARCHIVED = "archived"


class Place(NamedTuple):
    """Where a page of the list ended."""

    last_at: dt.datetime
    id: int

    def __str__(self) -> str:
        return f"{round(self.last_at.timestamp() * 1_000_000)}-{self.id}"

    @classmethod
    def of(cls, text: str) -> Place | None:
        """Return what `str` wrote; None for all else."""
        match = re.fullmatch(r"([0-9]{1,16})-([0-9]{1,18})", text, re.ASCII)
        if match is None:
            return None
        seconds, rest = divmod(int(match[1]), 1_000_000)
        at = dt.datetime.fromtimestamp(seconds, dt.UTC) + dt.timedelta(microseconds=rest)
        return cls(at, int(match[2]))


def threads(
    account_id: int, show: Show, *, user_id: int | None = None, below: Place | None = None
) -> QuerySet[Thread]:
    """Return the threads to be shown, the newest first; `user_id`: whose, of MINE."""
    mine = Thread.objects.filter(account_id=account_id).order_by("-last_at", "-pk")
    if below is not None:
        is_older = Q(last_at__lt=below.last_at) | Q(pk__lt=below.id)
        mine = mine.filter(is_older, last_at__lte=below.last_at)
    if show == Show.UNREAD:
        return mine.filter(unread__gt=0)
    if show == Show.MINE:
        return mine.filter(assignee_id=user_id)
    return mine.filter(unread=0, is_archived=show == Show.ARCHIVED)


def thread(account_id: int, thread_id: int) -> Thread:
    """Raise ApiError `not_found`, also for another account's."""
    mine = Thread.objects.filter(account_id=account_id, pk=thread_id).select_related("assignee")
    return or_not_found(mine.first(), "thread")


def thread_of(account_id: int, phone: str) -> Thread | None:
    return Thread.objects.filter(account_id=account_id, phone=phone).first()


def with_phones(account_id: int, phones: Collection[str]) -> list[Thread]:
    """Return the threads of these numbers, the newest first."""
    mine = Thread.objects.filter(account_id=account_id, phone__in=phones)
    return list(mine.order_by("-last_at", "-pk"))


def count_unread(account_id: int) -> int:
    """Return how many are unread, counted up to MOST_UNREAD."""
    return threads(account_id, Show.UNREAD).order_by()[:MOST_UNREAD].count()


def last_texts(account_id: int, shown: Collection[Thread]) -> dict[int, str]:
    """Return the last text of each of these threads that still has one: theirs, or one sent by hand."""
    received = InboundMessage.objects.filter(account_id=account_id).in_bulk(
        [one.last_in for one in shown if one.last_in]
    )
    sent = Message.objects.filter(account_id=account_id).in_bulk(
        [one.last_out for one in shown if one.last_out]
    )
    texts: dict[int, str] = {}
    for one in shown:
        theirs, ours = received.get(one.last_in or 0), sent.get(one.last_out or 0)
        if theirs and not (ours and ours.created_at > theirs.received_at):
            texts[one.pk] = theirs.text
        elif ours:
            texts[one.pk] = ours.text
    return texts


def is_number(phone: str) -> bool:
    """Say whether somebody can be written to: a name, and digits that nobody can tell, cannot."""
    return bool(re.fullmatch(STORED_PHONE, phone))


@dataclass(frozen=True, slots=True)
class Line:
    """Something that was said: a message, or a received SMS."""

    at: dt.datetime
    message: Message | None = None
    sms: InboundMessage | None = None


class Below(NamedTuple):
    """Where a page of a conversation ended: of each kind the id below which it goes on."""

    message_id: int = MAX_ID
    inbound_id: int = MAX_ID

    def __str__(self) -> str:
        return f"{self.message_id}-{self.inbound_id}"

    @classmethod
    def of(cls, text: str) -> Below:
        """Return what `str` wrote; the beginning for all else."""
        match = re.fullmatch(r"([0-9]{1,19})-([0-9]{1,19})", text, re.ASCII)
        ids = [int(each) for each in match.groups()] if match else []
        return cls(*ids) if ids and max(ids) <= MAX_ID else cls()


NEWEST = Below()


@dataclass(frozen=True, slots=True)
class Talk:
    lines: list[Line]  # the oldest first
    below: Below | None  # None: there is nothing older
    opt_out: OptOut | None


def talk(account_id: int, phone: str, below: Below = NEWEST, *, most: int = 50) -> Talk:
    """Return what was last said with a number, or received from a name. What is erased is left out."""
    names = spellings(phone) if is_number(phone) else frozenset({phone})
    sent = _sent(account_id, names, below.message_id, most + 1) if is_number(phone) else []
    heard = InboundMessage.objects.filter(
        account_id=account_id, sender__in=names, pk__lt=below.inbound_id
    )
    received = list(heard.order_by("-pk")[: most + 1])
    lines = [Line(one.created_at, message=one) for one in sent]
    lines += [Line(one.received_at, sms=one) for one in received]
    lines.sort(key=lambda line: line.at, reverse=True)
    shown, has_more = lines[:most], len(lines) > most
    opt_out = OptOut.objects.filter(account_id=account_id, phone=phone).first()
    return Talk(shown[::-1], _end(shown, below) if has_more else None, opt_out)


def _sent(account_id: int, phones: Collection[str], below: int, most: int) -> list[Message]:
    """Return the newest messages to a number: first among the newest ones of all, for a number that
    many went to; then, for the others, along the index of numbers, whose rows are sorted."""
    every = selectors.messages(account_id, MessageFilter()).filter(pk__lt=below)
    rows = every.filter(phone__in=phones)
    end = edge(every.order_by("-pk"))
    newest = list(rows.filter(pk__gte=end or 0).order_by("-pk")[:most])
    if end is None or len(newest) == most:
        return newest
    # No index has this order: the planner cannot walk all messages by their ids.
    older = rows.filter(pk__lt=end).order_by((F("pk") + 0).desc())
    return newest + list(older[: most - len(newest)])


def _end(shown: list[Line], below: Below) -> Below:
    return Below(
        min((line.message.pk for line in shown if line.message), default=below.message_id),
        min((line.sms.pk for line in shown if line.sms), default=below.inbound_id),
    )
