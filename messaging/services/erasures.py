"""Erase somebody from messages, mailings, received SMS and conversations, by their number.

Raw SQL: the rows of messages and mailings.

What is counted stays: rows of messages without number and text, as retention leaves them.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from django.db import connection
from django.db.models import QuerySet, TextField, Value
from django.db.models.functions import Cast, Coalesce, Concat

from licenses.models import License
from messaging.events import EventType as ReportType
from messaging.models import Batch, Event, Export, InboundMessage, Message, Thread
from messaging.services import endings, owner
from messaging.states import WAITING, MessageState
from messaging.transitions import Cause
from messaging.written_numbers import WrittenNumber

# Where its text went to nobody else, a mailing's goes, too.
_ERASE_MESSAGES = """
    WITH gone AS (
        UPDATE messaging_message SET phone = '', text = '', repeat_digest = NULL,
            external_id = CASE WHEN external_id ~ %(pattern)s THEN NULL ELSE external_id END
        WHERE license_id = ANY (%(licenses)s) AND phone = ANY (%(phones)s)
            AND finished_at IS NOT NULL AND created_at <= %(until)s
        RETURNING id, batch_id),
    mailings AS (
        UPDATE messaging_batch AS b SET text = ''
        WHERE b.account_id = %(account)s AND b.text <> ''
            AND b.id = ANY (ARRAY(SELECT batch_id FROM gone WHERE batch_id IS NOT NULL))
            AND NOT EXISTS (SELECT FROM messaging_message AS m
                WHERE m.batch_id = b.id AND m.phone <> '' AND m.phone <> ALL (%(phones)s)))
    SELECT count(*) FROM gone
    """

# Of messages whose number retention has erased before.
_ERASE_IDS = """
    UPDATE messaging_message SET external_id = NULL
    WHERE account_id = %(account)s AND external_id ~ %(pattern)s AND created_at <= %(until)s
        AND phone = ''
    """


def call_off(account_id: int, number: WrittenNumber, until: dt.datetime, now: dt.datetime) -> None:
    """Cancel what waits for this number, ask phones for what they hold, and give up what is in doubt."""
    mine = _messages(account_id, number, until).select_for_update()
    waiting = mine.filter(status__in=[*WAITING, MessageState.LEASED], cancel_requested=False)
    endings.call_off_all(list(waiting.order_by("pk")), Cause.OWNER, now)
    doubtful = _messages(account_id, number, until).filter(status=MessageState.UNCERTAIN)
    for message_id in list(doubtful.order_by("pk").values_list("pk", flat=True)):
        owner.resolve(account_id, message_id, "given_up")


def _messages(account_id: int, number: WrittenNumber, until: dt.datetime) -> QuerySet[Message]:
    licenses = License.objects.filter(account_id=account_id).values_list("pk", flat=True)
    return Message.objects.filter(
        license_id__in=list(licenses), phone__in=number.phones, created_at__lte=until
    )


def under_way(account_id: int, number: WrittenNumber, until: dt.datetime) -> int:
    """Return how many messages a phone still has, or may have sent: their number goes with their end."""
    return _messages(account_id, number, until).filter(finished_at__isnull=True).count()


def texts(account_id: int, number: WrittenNumber, until: dt.datetime) -> frozenset[str]:
    """Return what was written to this number, and what came from it."""
    sent = _messages(account_id, number, until).values_list("text", flat=True)
    received = _received(account_id, number, until).values_list("text", flat=True)
    return frozenset(text for text in (*sent, *received) if text)


def _received(
    account_id: int, number: WrittenNumber, until: dt.datetime
) -> QuerySet[InboundMessage]:
    return InboundMessage.objects.filter(
        account_id=account_id, sender__in=number.senders, received_at__lte=until
    )


def erase_rows(account_id: int, number: WrittenNumber, until: dt.datetime) -> Counter[str]:
    """Erase what stands under this number; return how many rows of each kind."""
    values: dict[str, Any] = {
        "account": account_id,
        "licenses": list(
            License.objects.filter(account_id=account_id).values_list("pk", flat=True)
        ),
        "phones": sorted(number.phones),
        "pattern": number.pattern,
        "until": until,
    }
    counts: Counter[str] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(_ERASE_MESSAGES, values)
        counts["messages"] = int(cursor.fetchone()[0])
    counts["received"] = _forget_received(account_id, number, until)
    threads = Thread.objects.filter(account_id=account_id, phone__in=number.senders)
    counts["threads"] = threads.filter(last_at__lte=until).delete()[0]
    return counts


def _forget_received(account_id: int, number: WrittenNumber, until: dt.datetime) -> int:
    """Leave the ids of their events, as of what is not kept: a phone may tell them again."""
    rows = list(_received(account_id, number, until).select_for_update().order_by("pk"))
    Event.objects.bulk_create(
        (
            Event(
                device_id=row.device_id,
                event_id=row.event_id,
                type=ReportType.RECEIVED.value,
                received_at=row.received_at,
            )
            for row in rows
        ),
        ignore_conflicts=True,
    )
    mine = InboundMessage.objects.filter(account_id=account_id, pk__in=[row.pk for row in rows])
    return mine.delete()[0]


def erase_mentions(account_id: int, number: WrittenNumber, until: dt.datetime) -> Counter[str]:
    """Erase it where it stands within something else: ids that a client gave, what mailings keep, files
    of messages. Looks through all of the account's."""
    values: dict[str, Any] = {
        "account": account_id,
        "pattern": number.pattern,
        "until": until,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ERASE_IDS, values)
    for batch in _batches_with(account_id, number):
        batch.details = number.without(batch.details)
        batch.name = number.without(batch.name)
        batch.callback_url = number.without(batch.callback_url)
        batch.external_id = None if number.is_in(batch.external_id or "") else batch.external_id
        batch.save(update_fields=["details", "name", "callback_url", "external_id"])
    exports = Export.objects.filter(account_id=account_id, asked_at__lte=until)
    gone = exports.count()
    exports.delete()
    return Counter(exports=gone)


def _batches_with(account_id: int, number: WrittenNumber) -> list[Batch]:
    mine = Batch.objects.filter(account_id=account_id).annotate(
        written=Concat(
            Coalesce("external_id", Value("")), Value(" "), "name", Value(" "), "callback_url",
            Value(" "), Cast("details", TextField()), output_field=TextField(),
        )
    )  # fmt: skip
    return list(mine.filter(written__regex=number.pattern))
