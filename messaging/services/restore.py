"""The steps for a database that was put back from a backup before anybody works on it.

Between the backup and now phones may have sent what the backup says is waiting, and they have forgotten
it: a tombstone lives until it is acknowledged. So nothing that may have been taken is handed out again
(docs/adr/0007-a-restore-holds-what-may-have-been-sent.md). Raw SQL: whole tables at once, and sequences.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from licenses.models import Device
from members.models import Mail
from messaging import moves
from messaging.events import EventType
from messaging.models import Message
from messaging.states import MessageState
from messaging.transitions import Cause, StateTransition, may_resend

# Sequence gaps after a restore: phones and programs know ids issued since the backup, which must not
# be reused for another message, phone or account. What traffic counts up goes far: who reads a list or
# the feed from an id on would miss all that is below it.
MESSAGE_IDS = 100_000_000
OTHER_IDS = 1_000
COUNTED_BY_TRAFFIC = frozenset(
    {
        "messaging_message_id_seq",
        "messaging_batch_id_seq",
        "messaging_inboundmessage_id_seq",
        "outbox_event_number_seq",
        "webhooks_delivery_id_seq",
    }
)

# The same for attempt numbers (fencing tokens): a message gets at most four an hour.
ATTEMPTS = 1_000

# Supersede the attempts that were open at the backup: uncertain, with an event that says why.
END_OPEN_ATTEMPTS = """
    WITH open AS (
        UPDATE messaging_attempt AS a SET state = 'uncertain', is_superseded = true
        FROM messaging_message AS m
        WHERE m.id = a.message_id AND a.state IN ('leased', 'sending')
            AND m.created_at <= %(accepted_until)s
            AND (m.license_id = %(license_id)s OR %(license_id)s IS NULL)
        RETURNING a.message_id, a.n)
    INSERT INTO messaging_event (device_id, event_id, type, message_id, attempt, code, wall_time,
        quarantine, received_at)
    SELECT NULL, gen_random_uuid(), %(type)s, message_id, n, '', '', '', %(now)s FROM open
    """

PUT_ATTEMPTS_OUT_OF_REACH = """
    UPDATE messaging_message SET attempt_n = attempt_n + %(attempts)s
    WHERE status IN ('scheduled', 'pending', 'leased', 'sending', 'uncertain')
        AND created_at <= %(accepted_until)s
        AND (license_id = %(license_id)s OR %(license_id)s IS NULL)
    """

_PIECE = 1_000  # messages that are read at once


@dataclass(frozen=True, slots=True)
class Held:
    uncertain: int  # for their owners to decide
    again: int  # `on_uncertain = resend`: these go again
    scheduled: int  # not due yet: these go when they are


@transaction.atomic
def hold_what_may_have_been_sent(now: dt.datetime) -> Held:
    """Make everything that was due uncertain, and put all numbers out of the reach of old ones."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE messaging_message, messaging_attempt IN EXCLUSIVE MODE")
    held = _hold(None, now, now)
    put_ids_out_of_reach()
    Device.objects.update(sync_number=None)  # it is known by now that phones know of more
    Mail.objects.all().delete()  # it went out since, or is of no use now
    return held


@transaction.atomic
def hold_of_license(license_id: int, accepted_until: dt.datetime, now: dt.datetime) -> Held:
    """Do that for what one licence had due until a time, while the others go on."""
    return _hold(license_id, accepted_until, now)


def _hold(license_id: int | None, accepted_until: dt.datetime, now: dt.datetime) -> Held:
    which = {"license_id": license_id, "accepted_until": accepted_until}
    with connection.cursor() as cursor:
        cursor.execute(
            END_OPEN_ATTEMPTS, {"type": EventType.LEASE_EXPIRED.value, "now": now, **which}
        )
        cursor.execute(PUT_ATTEMPTS_OUT_OF_REACH, {"attempts": ATTEMPTS, **which})
    messages = Message.objects.filter(created_at__lte=accepted_until)
    if license_id is not None:
        messages = messages.filter(license_id=license_id)
    became = Counter[MessageState]()
    for piece in _due(messages, now):
        wanted = [_held(message, now) for message in piece]
        moves.move(wanted, now)
        became.update(transition.to_state for transition in wanted)
    scheduled = messages.filter(status=MessageState.SCHEDULED).count()
    return Held(became[MessageState.UNCERTAIN], became[MessageState.PENDING], scheduled)


def _due(messages: QuerySet[Message], now: dt.datetime) -> Iterator[list[Message]]:
    """Yield what was due, in pieces. What only becomes due later no phone has seen."""
    was_due = Q(status__in=[MessageState.PENDING, MessageState.LEASED, MessageState.SENDING])
    was_due |= Q(status=MessageState.SCHEDULED, due_at__lte=now)
    last = 0
    while piece := list(messages.filter(was_due, pk__gt=last).order_by("pk")[:_PIECE]):
        yield piece
        last = piece[-1].pk


def _held(message: Message, now: dt.datetime) -> StateTransition:
    before = MessageState(message.status)
    after = MessageState.PENDING if may_resend(message, now) else MessageState.UNCERTAIN
    return StateTransition(message.pk, message.license_id, before, after, Cause.RESTORED)


def put_ids_out_of_reach() -> None:
    """Let every sequence go on beyond what it may have given."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sequencename, coalesce(last_value, 0) FROM pg_sequences"
            " WHERE schemaname = current_schema()"
        )
        for name, last in cursor.fetchall():
            jump = MESSAGE_IDS if name in COUNTED_BY_TRAFFIC else OTHER_IDS
            if name.startswith(("django_", "auth_permission", "auth_group")):
                continue  # Django's own, which nobody outside knows; some count in 32 bits
            cursor.execute("SELECT setval(%s, %s)", [name, last + jump])
