"""Erase one person of an account, by number: the one way, for the console, the API and the command.

What waits is cancelled at once. The worker does the rest, and once more a minute later, for what was
being written meanwhile. What a phone has is erased when its end is known: the phone needs the number
until then, and its lease ends in minutes. An opt-out stays: without it nobody could go on refusing.
Counts stay; so does the account's own trail, which holds no number.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from functools import partial

from django.db import transaction
from django.db.models import QuerySet

from contacts import erasing as contacts
from http_api import clock, idempotency
from http_api.deadlocks import retry_on_deadlock
from http_api.errors import ApiError, or_not_found
from licenses import services as licenses
from licenses import tokens
from licenses.models import License
from messaging import erased, locks
from messaging.models import Erasure
from messaging.services import erasures as messages
from messaging.written_numbers import WrittenNumber
from webhooks import erasing as webhooks

ONCE_MORE_AFTER = dt.timedelta(minutes=1)  # no transaction takes longer
KINDS = (
    "messages", "received", "threads", "contacts", "refused_rows", "files", "exports", "events",
    "answers", "alert_links",
)  # fmt: skip
KEPT = dt.timedelta(days=91)  # no phone tells later what it received


def erasures(account_id: int) -> QuerySet[Erasure]:
    return Erasure.objects.filter(account_id=account_id)


def find(account_id: int, erasure_id: int) -> Erasure:
    """Raise ApiError `not_found`, also for another account's."""
    return or_not_found(erasures(account_id).filter(pk=erasure_id).first(), "erasure")


@transaction.atomic
def erase(account_id: int, phone: str, *, by: str) -> Erasure:
    """Begin to erase who has this number; the one that is begun already is the same.

    Raise ApiError `invalid` for a short code: it is no person's.
    """
    if not phone.startswith("+"):
        raise ApiError.of_field("phone", "a short code is no person's number")
    locks.lock_account(account_id)
    number, now = WrittenNumber(phone), clock.now()
    begun = erasures(account_id).filter(phone__in=number.phones, finished_at=None).first()
    if begun is not None:
        return begun
    messages.call_off(account_id, number, now, now)
    return Erasure.objects.create(
        account_id=account_id,
        phone=phone,
        digests=erased.digests(account_id, number.senders),
        asked_by=by,
        asked_at=now,
        under_way=messages.under_way(account_id, number, now),
    )


def go_on() -> int:
    """Work on each erasure that is not finished; return how many are left."""
    unfinished = Erasure.objects.filter(finished_at=None).order_by("asked_at")
    for erasure in list(unfinished):
        retry_on_deadlock(partial(work_on, erasure))
    return unfinished.count()


def work_on(erasure: Erasure) -> None:
    """Erase what can be erased: at first, and once more at the end. It may run twice at once."""
    account_id, number, until = erasure.account_id, WrittenNumber(erasure.phone), erasure.asked_at
    is_last = clock.now() - until >= ONCE_MORE_AFTER
    if erasure.counts and (not is_last or _is_under_way(erasure, number)):
        return
    counts = _erase_mentions(account_id, number, until)
    with transaction.atomic():
        locks.lock_account(account_id)
        mine = erasures(account_id).select_for_update().filter(pk=erasure.pk, finished_at=None)
        one = mine.first()
        if one is None:
            return
        now = clock.now()
        messages.call_off(account_id, number, until, now)
        counts += messages.erase_rows(account_id, number, until)
        counts += contacts.erase_rows(account_id, number, until)
        one.counts = {kind: one.counts.get(kind, 0) + counts[kind] for kind in KINDS}
        one.under_way = messages.under_way(account_id, number, until)
        if is_last and not one.under_way:
            one.phone, one.finished_at = "", now
            licenses.let_phones_forget(account_id)
        one.save()


@transaction.atomic
def _is_under_way(erasure: Erasure, number: WrittenNumber) -> bool:
    """Say whether a phone still has a message, having given up what is in doubt since."""
    account_id, until = erasure.account_id, erasure.asked_at
    messages.call_off(account_id, number, until, clock.now())
    number_of_them = messages.under_way(account_id, number, until)
    erasures(account_id).filter(pk=erasure.pk).update(under_way=number_of_them)
    return bool(number_of_them)


def _erase_mentions(account_id: int, number: WrittenNumber, until: dt.datetime) -> Counter[str]:
    """Erase what stands elsewhere than under the number. Before the rows: their texts are looked for."""
    texts = messages.texts(account_id, number, until)
    of_account = License.objects.filter(account_id=account_id).values_list("pk", flat=True)
    scopes = [f"license:{license_id}" for license_id in of_account]
    counts: Counter[str] = Counter()
    with transaction.atomic():
        counts["answers"] = idempotency.redact(
            scopes, number.is_in, lambda answer: number.without(answer, texts)
        )
    with transaction.atomic():
        counts["alert_links"] = tokens.forget_numbers(account_id, number.phones)
        counts += messages.erase_mentions(account_id, number, until)
        counts += contacts.erase_mentions(account_id, number)
        counts += webhooks.erase_mentions(account_id, number)
    return counts


def delete_old(now: dt.datetime) -> int:
    """Delete erasures of which no phone can tell any more; return how many."""
    return Erasure.objects.filter(finished_at__lt=now - KEPT).delete()[0]
