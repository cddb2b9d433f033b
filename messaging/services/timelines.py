"""Notice a database that went back in time, and send nothing twice for that.

A standby that had not received everything took over, a snapshot was put back, a former primary became
one again: phones have taken and sent what this database shows as waiting, and ids that programs and
phones know would be given again. Each new connection asks PostgreSQL which server and which timeline it
writes, and compares that with the newest Timeline, and with how far the log was seen written by this
process or, as Redis knows, by another. Where they do not fit, a doubted Timeline begins: ids go on far
beyond, and a licence gets no more messages until its phones were heard. Each says in its sync the number
of the last answer that it has; one that this database never gave shows the loss, and what the licence
had due is held as after a restore (messaging.services.restore).

Raw SQL: where PostgreSQL is in its log, and a lock.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import psycopg2
from django.db import Error, connection, transaction
from django.db.backends.signals import connection_created
from django.db.models import Q
from redis import Redis

from http_api import clock
from http_api.redis import with_redis
from http_api.rows import fetch_one
from licenses.lookup import LockedPhone
from licenses.models import Device, License, Timeline
from members import letters, mail, selectors
from messaging import wakeup
from messaging.services import restore

logger = logging.getLogger(__name__)

# A licence waits for so long for phones that may have been given something: twice the cadence of one
# that only polls.
PATIENCE = dt.timedelta(minutes=30)
# After a loss ids are out of reach; a phone alone puts them further only after this.
REST = dt.timedelta(hours=1)
# One that was silent for so long before is not waited for.
GONE = dt.timedelta(days=1)

# A standby that recovers writes nothing.
_LOOK = """
    SELECT newest.token, newest.system, newest.number, control.system_identifier::text AS system_now,
        ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::bigint AS number_now,
        (pg_current_wal_flush_lsn() - '0/0')::bigint AS written
    FROM pg_control_system() AS control
    LEFT JOIN (SELECT * FROM licenses_timeline ORDER BY id DESC LIMIT 1) AS newest ON true
    WHERE NOT pg_is_in_recovery()
    """

# Behind a pooler a connection outlives the server that it leads to: it ends with the first transaction
# on another timeline, and the next one is looked at.
_END_ELSEWHERE = """
    SELECT CASE WHEN left(pg_walfile_name(pg_current_wal_flush_lsn()), 8) <> '{:08X}'
        THEN pg_terminate_backend(pg_backend_pid()) END;
    """

_UNSUPPORTED = (
    psycopg2.errors.FeatureNotSupported,
    psycopg2.errors.InsufficientPrivilege,
    psycopg2.errors.UndefinedFunction,
)


class _Known(NamedTuple):
    """A timeline, and how far its log was written, at least."""

    token: UUID
    written: int


class _Now(NamedTuple):
    """A row of _LOOK."""

    token: UUID | None  # of the newest Timeline
    system: str | None
    number: int | None
    system_now: str
    number_now: int
    written: int


_known: _Known | None = None  # to this process


# --- at each connection ------------------------------------------------------------------------------


def watch() -> None:
    """From now on look at each new connection of this process before it is used."""
    connection_created.connect(_look_at_a_new_one)


def _look_at_a_new_one(**_: Any) -> None:
    try:
        number = look()
    except BaseException as error:
        if isinstance(error.__cause__, _UNSUPPORTED):
            connection_created.disconnect(_look_at_a_new_one)
            logger.warning("this PostgreSQL does not say when it goes back in time: %s", error)
            return
        connection.close()  # Django would use it, not looked at, for the next request
        raise
    if number is not None and connection.connection.is_pooled:
        connection.connection.first += _END_ELSEWHERE.format(number)


def look() -> int | None:
    """Begin a doubted timeline where the database is not what it was; remember what it is.

    Return PostgreSQL's number of it; None: nothing is written.
    """
    global _known
    first = Timeline.objects.order_by("pk").values_list("token", flat=True).first()
    # Known before it is looked at: both only grow.
    known = [each for each in (_known, _known_by_redis(first)) if each is not None]
    now = _ask()
    if now is None:
        return None
    if _contradiction(now, known):
        now = _begin(known) or now
    if now.token is not None:
        _known = _Known(now.token, now.written)
        _tell_redis(first or now.token, _known)
    return now.number_now


def begin_at_start(now: dt.datetime) -> None:
    """Look, and begin a timeline of this start: a snapshot from before it does not know that."""
    try:
        look()
        found = _ask()
    except Error as error:
        if isinstance(error.__cause__, _UNSUPPORTED):  # `watch` says so
            return
        raise
    if found is not None:
        begun = _add(found, [], now)
        first = Timeline.objects.order_by("pk").values_list("token", flat=True)[0]
        _tell_redis(first, _Known(begun.token, found.written))


def begin_without_doubt(now: dt.datetime) -> None:
    """Begin the timeline of a database that was put back, and is known to be."""
    first = Timeline.objects.order_by("pk").values_list("token", flat=True).first()
    known = _known_by_redis(first)
    if (found := _ask()) is not None:
        _add(found, [known] if known else [], now)


def _ask() -> _Now | None:
    with connection.cursor() as cursor:
        cursor.execute(_LOOK)
        return fetch_one(cursor, _Now)


def _contradiction(now: _Now, known: Sequence[_Known]) -> str:
    """Return in words what does not fit, or ''."""
    if any(each.token == now.token and each.written > now.written for each in known):
        return "less is written than was before"
    if any(not _has(each.token) for each in known if each.token != now.token):
        return "it knows nothing of what it was"
    if (now.system, now.number) != (now.system_now, now.number_now):
        return "it is another server, or a standby that took over"
    return ""


def _has(token: UUID) -> bool:
    return Timeline.objects.filter(Q(token=token) | Q(replaces=token)).exists()


def _begin(known: Sequence[_Known]) -> _Now | None:
    """Begin a doubted timeline, unless another connection has meanwhile; return how it is then."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE licenses_timeline IN EXCLUSIVE MODE")
        now = _ask()
        why = "" if now is None else _contradiction(now, known)
        if now is None or not why:
            return now
        is_first = now.token is None and not known
        begun = _add(now, known, clock.now(), is_doubted=not is_first)
        if not is_first:
            restore.put_ids_out_of_reach()
            words = "the database may have gone back in time (%s): phones are asked what they sent"
            logger.error(words, why)
    return now._replace(token=begun.token, system=begun.system, number=begun.number)


def _add(
    now: _Now, known: Sequence[_Known], at: dt.datetime, *, is_doubted: bool = False
) -> Timeline:
    lost = [each.token for each in known if each.token != now.token and not _has(each.token)]
    return Timeline.objects.create(
        system=now.system_now,
        number=now.number_now,
        replaces=lost[0] if lost else None,
        noticed_at=at,
        is_doubted=is_doubted,
        is_loss_shown=is_doubted
        and (bool(lost) or any(e.token == now.token and e.written > now.written for e in known)),
    )


def _key(first: UUID) -> str:
    return f"smsgate:written:{first}"


def _known_by_redis(first: UUID | None) -> _Known | None:
    if first is None:
        return None

    def read(redis: Redis) -> _Known | None:
        value: Any = redis.get(_key(first))
        if value is None:
            return None
        token, written = value.decode().split()
        return _Known(UUID(token), int(written))

    return with_redis(read, None, "has the database gone back in time?")


def _tell_redis(first: UUID, known: _Known) -> None:
    value = f"{known.token} {known.written}"
    with_redis(lambda redis: redis.set(_key(first), value), None, "how far is the database?")


# --- at each sync ------------------------------------------------------------------------------------


def hear(
    device: Device, phone: LockedPhone, last: int | None, now: dt.datetime
) -> tuple[int, bool]:
    """Take a phone's word for the number of its last answer; return that of the next, and whether more
    may be leased to it. The device is to be saved."""
    answered = phone.sync_number
    has_shown_loss = last is not None and answered is not None and last > answered
    device.sync_number = number = max(answered or 0, last or 0) + 1
    device.settled_timeline = phone.doubted_timeline
    if has_shown_loss:
        _hold_after_loss(device, phone, now)
    elif phone.settled_by_license < phone.doubted_timeline:
        return number, _settle(device, phone, now)
    return number, True


def _hold_after_loss(device: Device, phone: LockedPhone, now: dt.datetime) -> None:
    """Hold what the licence of a phone had due that was given what this database does not know."""
    doubted = Timeline.objects.filter(pk=phone.doubted_timeline)
    if phone.settled_timeline < phone.doubted_timeline:
        doubted.update(is_loss_shown=True)
        accepted_until = doubted.get().noticed_at
    else:  # nothing else has told of it
        _note_loss(now)
        accepted_until = now
    _hold(device, accepted_until, now)
    # All is held that its other phones may have been given too.
    Device.objects.filter(license_id=device.license_id).exclude(pk=device.pk).update(
        sync_number=None, settled_timeline=phone.doubted_timeline
    )
    _let_go_on(device.license_id, phone.doubted_timeline)


def _note_loss(now: dt.datetime) -> None:
    """Put ids out of reach for a phone's word alone: once an hour, since any phone may lie."""
    recent = Timeline.objects.filter(is_loss_shown=True, noticed_at__gt=now - REST)
    if recent.exists() or (found := _ask()) is None:
        return
    restore.put_ids_out_of_reach()
    Timeline.objects.create(
        system=found.system_now, number=found.number_now, noticed_at=now, is_loss_shown=True
    )


def _settle(device: Device, phone: LockedPhone, now: dt.datetime) -> bool:
    """Return whether all phones of the licence were heard that may have been given something, or what
    they may have been given is held."""
    License.objects.select_for_update(no_key=True).get(pk=device.license_id)  # two phones at once
    timeline = Timeline.objects.get(pk=phone.doubted_timeline)
    unheard = Device.objects.filter(
        Q(silent_since=None) | Q(silent_since__gt=timeline.noticed_at - GONE),
        license_id=device.license_id,
        revoked_at=None,
        last_sync_at__isnull=False,
        settled_timeline__lt=phone.doubted_timeline,
    ).exclude(pk=device.pk)
    if unheard.exists():
        if now < timeline.noticed_at + PATIENCE:
            device.save(update_fields=["settled_timeline"])
            return False
        _hold(device, timeline.noticed_at, now)
    _let_go_on(device.license_id, phone.doubted_timeline)
    return True


def _let_go_on(license_id: int, timeline: int) -> None:
    License.objects.filter(pk=license_id).update(settled_timeline=timeline)
    wakeup.after_commit(license_id)


def _hold(device: Device, accepted_until: dt.datetime, now: dt.datetime) -> None:
    held = restore.hold_of_license(device.license_id, accepted_until, now)
    words = "the database went back in time: licence %d has %d messages that may have been sent"
    logger.error(words, device.license_id, held.uncertain)
    if held.uncertain:
        _tell_owners(device, held.uncertain)


def _tell_owners(device: Device, count: int) -> None:
    account = device.license.account
    with letters.in_language_of(account):
        letter = letters.held_after_loss(account, count)
    for address in selectors.addresses_of_owners(account.pk):
        mail.queue(address, *letter)
