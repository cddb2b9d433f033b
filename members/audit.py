"""The audit trail: what a person did in an account, recorded in the transaction that does it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from ipaddress import ip_network
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import QuerySet

from http_api import clock
from members.models import AuditEntry


class Action(StrEnum):
    LOGGED_IN = "logged_in"
    SECOND_FACTOR_FAILED = "second_factor_failed"
    SECOND_FACTOR_ADDED = "second_factor_added"
    SECOND_FACTOR_REMOVED = "second_factor_removed"
    PASSWORD_CHANGED = "password_changed"
    NAME_CHANGED = "name_changed"
    VISITED = "visited"  # the installation's admin looked into the account
    OPERATED = "operated"  # and posted a form about it
    MEMBER_INVITED = "member_invited"
    INVITATION_WITHDRAWN = "invitation_withdrawn"
    MEMBER_JOINED = "member_joined"
    MEMBER_CHANGED = "member_changed"
    MEMBER_REMOVED = "member_removed"
    RESET_LINK_MADE = "reset_link_made"  # for a member's new password
    PASSWORD_RESET = "password_reset"
    MESSAGE_SENT = "message_sent"
    MESSAGE_CANCELLED = "message_cancelled"
    MESSAGE_RESOLVED = "message_resolved"
    MESSAGES_EXPORTED = "messages_exported"
    EXPORT_FETCHED = "export_fetched"
    EXPORT_DELETED = "export_deleted"
    TRAIL_EXPORTED = "trail_exported"
    CONTACT_CHANGED = "contact_changed"
    CONTACTS_DELETED = "contacts_deleted"
    CONTACTS_EXPORTED = "contacts_exported"
    IMPORT_STARTED = "import_started"
    IMPORT_STOPPED = "import_stopped"
    IMPORT_DELETED = "import_deleted"
    REFUSED_FETCHED = "refused_fetched"  # the rows of a file that were not imported
    IMPORT_UNDONE = "import_undone"
    GROUP_CHANGED = "group_changed"
    GROUP_DELETED = "group_deleted"
    THREAD_CHANGED = "thread_changed"  # marked, put away or given to somebody
    TEMPLATE_CHANGED = "template_changed"
    TEMPLATE_DELETED = "template_deleted"
    PERSON_EXPORTED = "person_exported"  # what there is of one number
    PERSON_ERASED = "person_erased"
    OPT_OUT_ADDED = "opt_out_added"
    OPT_OUT_REMOVED = "opt_out_removed"
    PAIRING_CODE_MADE = "pairing_code_made"
    PHONE_CHANGED = "phone_changed"
    ALERTS_CHANGED = "alerts_changed"  # who is mailed about a phone, or about all
    PHONE_UNPAIRED = "phone_unpaired"
    KEY_MADE = "key_made"
    KEY_CHANGED = "key_changed"  # what it may do
    KEY_REPLACED = "key_replaced"
    KEY_REVOKED = "key_revoked"
    LICENSE_SWITCHED = "license_switched"
    WEBHOOK_MADE = "webhook_made"
    WEBHOOK_CHANGED = "webhook_changed"
    WEBHOOK_DELETED = "webhook_deleted"
    WEBHOOK_TESTED = "webhook_tested"
    WEBHOOK_REPLAYED = "webhook_replayed"
    SECRET_SHOWN = "secret_shown"  # of a webhook
    SETTINGS_CHANGED = "settings_changed"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it, and from where: the network of their address. Without a user: a program."""

    user: User | None
    network: str = ""
    program: str = "manage.py"

    @property
    def name(self) -> str:
        return self.user.get_username() if self.user else self.program


def record(
    account_id: int,
    by: Actor,
    action: Action,
    *,
    object_id: int | None = None,
    count: int | None = None,
    **details: Any,
) -> None:
    """Add an entry. `details` hold neither texts nor phone numbers.

    Raise RuntimeError outside a transaction: what happened and its entry are committed together.
    """
    record_each([About(account_id, object_id, count)], by, action, **details)


@dataclass(frozen=True, slots=True)
class About:
    """One object that an entry is about, or a number of them."""

    account_id: int
    object_id: int | None = None
    count: int | None = None


def record_each(about: Iterable[About], by: Actor, action: Action, **details: Any) -> None:
    """Add an entry in each of these accounts, in one statement. As `record`."""
    if not connection.in_atomic_block:
        raise RuntimeError("an audit entry belongs to a transaction")
    AuditEntry.objects.bulk_create(
        AuditEntry(
            **asdict(one),
            user=by.user,
            username=by.name,
            action=action.value,
            details=details,
            network=_around(by.network),
            at=clock.now(),
        )
        for one in about
    )


def _around(network: str) -> str:
    """Return the /24 or /48 that an address or a network lies in; the whole address is not kept."""
    try:
        found = ip_network(network)
    except ValueError:  # of a command, or of a socket without an address
        return ""
    return str(found.supernet(new_prefix=24 if found.version == 4 else 48))


KEPT = dt.timedelta(days=2 * 366)  # a trigger of the database lets nobody delete what is younger


def ended(now: dt.datetime) -> QuerySet[AuditEntry]:
    """Return what is over its time."""
    return AuditEntry.objects.filter(at__lt=now - KEPT)


_NEWEST = 20_000  # entries, whose people are offered: more would take a page's time


def people(account_id: int) -> dict[int, str]:
    """Return the names of those who did something in an account, by id and in their order."""
    mine = entries(account_id)
    first = mine.values_list("pk", flat=True)[_NEWEST : _NEWEST + 1]
    newest = mine.filter(pk__gt=next(iter(first), 0)).exclude(user=None)
    return dict(newest.order_by("username").values_list("user_id", "username").distinct())


def entries(account_id: int) -> QuerySet[AuditEntry]:
    """Return what was done in an account, newest first."""
    return AuditEntry.objects.filter(account_id=account_id).order_by("-pk")
