"""Locks of an account, held until the transaction ends. Raw SQL: advisory locks."""

from __future__ import annotations

from django.db import connection

from http_api.patience import give_way, may_wait

# The first of the two keys of an advisory lock says what kind of thing the second one names.
ACCOUNT, _INBOX, FEED = 1, 2, 3


def lock_account(account_id: int) -> None:
    """Let one bulk, or one change of contacts, of an account in at a time, until the transaction ends.

    Two bulks over the same external ids in different order would deadlock on the unique index, and
    two requests would both create a group that neither found.
    """
    _lock(ACCOUNT, account_id)


def lock_inbox(account_id: int) -> None:
    """Let received SMS of an account in by one phone at a time, until the transaction ends.

    Whoever asks for what came after an id would never see one of a lower id that was committed later.
    """
    _lock(_INBOX, account_id)


def _lock(kind: int, key: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [kind, key])
        if cursor.fetchone()[0]:
            return
        if not may_wait():
            give_way()
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [kind, key])
