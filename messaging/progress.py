"""Where a task stands in a table that only grows, so that the next one goes on there.

Its row is locked until the transaction ends that does the work: a piece is done once, whoever dies, and
by one worker at a time.
"""

from __future__ import annotations

from typing import NamedTuple

from messaging.models import Progress

HIGHEST = 2**63 - 1  # above each id


class Walked(NamedTuple):
    """A piece of the table: how many rows that were, and the last of them."""

    number: int
    last_id: int | None


def take(task: str) -> Progress | None:
    """Lock and return where it stands; None: another worker is at it. Call inside a transaction."""
    Progress.objects.get_or_create(task=task)
    return Progress.objects.select_for_update(skip_locked=True).filter(task=task).first()


def advance(progress: Progress, walked: Walked) -> int:
    """Note that a piece is done; return how many rows that were."""
    if walked.last_id is not None:
        progress.last_id = walked.last_id
        progress.save(update_fields=["last_id"])
    return walked.number


def last_id(task: str) -> int:
    """Return where it stands; 0: at the beginning."""
    return Progress.objects.filter(task=task).values_list("last_id", flat=True).first() or 0
