"""Alerts: one text for the recipients that a link has inside, so that what watches machines knows no
number. They go ahead of other messages, at any hour: whoever makes the link wants to be woken."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence

from django.db import transaction

from contacts import selectors
from http_api import batching, clock
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.patience import give_way
from licenses import tokens
from licenses.models import License
from licenses.sender import AlertLink, Sender
from messaging import locks
from messaging.drafts import ClientTime, Draft
from messaging.models import Batch, Message
from messaging.phone import InvalidPhone, parse_phone
from messaging.segments import beginning
from messaging.selectors import batches
from messaging.services.accept import BATCH, accept
from messaging.services.batches import prepare
from messaging.states import WAITING

DIALECT = "alert"  # of their batches
MAX_RECIPIENTS = 100
MAX_PARTS = 3  # what is longer is cut: a list of all that is wrong would hold up the alert itself
PRIORITY = 1000
REPEATED_WITHIN = 2  # minutes, and up to one more


def new_link(license: License, numbers: Sequence[str], group_name: str = "") -> str:
    """Create an alert link to these numbers, and to a group by its exact name; return its token.

    Raise ApiError `invalid` naming `numbers` or `group`.
    """
    phones = [_read(number, license) for number in numbers]
    group_id = _group_id(license, group_name) if group_name else None
    if not phones and group_id is None:
        raise ApiError.of_field("numbers", "name a number or a group")
    if len(phones) > MAX_RECIPIENTS:
        raise ApiError.of_field("numbers", f"may be at most {MAX_RECIPIENTS}")
    return tokens.new_hook(license, phones=list(dict.fromkeys(phones)), group_id=group_id)


def _read(number: str, license: License) -> str:
    try:
        return parse_phone(
            number, license.account.country, allow_short_codes=license.allow_short_codes
        )
    except InvalidPhone as error:
        raise ApiError.of_field("numbers", f"{number}: {error}") from None


def _group_id(license: License, name: str) -> int:
    found = selectors.group_ids_by_name(license.account_id, [name])
    if name not in found:
        raise ApiError.of_field("group", "there is no group of this name")
    return found[name]


@transaction.atomic
def send(
    sender: Sender, link: AlertLink, text: str, external_id: str | None = None
) -> tuple[list[Message], bool]:
    """Queue an alert for each recipient; return their messages, and whether this call made them.

    With an external id it is made once, ever; else the same text of a link is taken for a repetition
    for REPEATED_WITHIN. Who has opted out gets a message that is cancelled from the start. Raise
    ApiError: `daily_limit_exceeded`; `opted_out` where that is everybody; `conflict` where there is
    nobody, or too many.
    """
    if batching.is_member():  # it takes several statements, under a lock
        give_way()
    locks.lock_account(sender.account_id)
    now = clock.now()
    ids = _ids(link, text, external_id, now)
    before = batches(sender.license_id, DIALECT).filter(external_id__in=ids).first()
    if before is not None:
        return list(before.messages.all()), False
    start = ClientTime(now, "")  # of its own: it waits for no opening of the sending hours
    drafts = [
        Draft(phone=phone, text=beginning(text, MAX_PARTS), send_after=start, priority=PRIORITY)
        for phone in _phones(sender, link)
    ]
    batch = prepare(sender, Batch(dialect=DIALECT, external_id=ids[0]))
    messages = accept(sender, drafts, BATCH, batch=batch, is_locked=True).created
    if not any(message.status in WAITING for message in messages):
        raise ApiError(ErrorCode.OPTED_OUT, "All recipients of this link have opted out.")
    return messages, True


def _ids(link: AlertLink, text: str, external_id: str | None, now: dt.datetime) -> list[str]:
    """Return what this alert is known by: first as a new one, then as one of the minutes before."""
    if external_id is not None:
        return [_id(link, "id", external_id)]
    minute = int(now.timestamp()) // 60
    return [_id(link, str(minute - ago), text) for ago in range(REPEATED_WITHIN + 1)]


def _id(link: AlertLink, *parts: str) -> str:
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
    return f"{link.token_id}:{digest}"


def _phones(sender: Sender, link: AlertLink) -> list[str]:
    members: list[str] = []
    if link.group_id is not None:
        members = selectors.phones_in(sender, [link.group_id], at_most=MAX_RECIPIENTS + 1)
    phones = list(dict.fromkeys([*link.phones, *members]))
    if not phones:
        raise ApiError(ErrorCode.CONFLICT, "Nobody is in the group of this link: nobody was told.")
    if len(phones) > MAX_RECIPIENTS:
        words = f"This link has more than {MAX_RECIPIENTS} recipients: nobody was told."
        raise ApiError(ErrorCode.CONFLICT, words)
    return phones
