"""The feed: an account's events in the order of their numbers, without gaps."""

from __future__ import annotations

from collections.abc import Collection

from django.conf import settings
from django.db.models import QuerySet

from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from outbox import recording as outbox
from outbox.models import DeletedEvents, Event
from outbox.types import EventType
from webhooks import publishing


def newest(account_id: int) -> int:
    """Return the number of an account's newest event, 0 without one; its events are kept from now on."""
    outbox.begin(account_id)
    publishing.publish(account_id)
    numbers = _published(account_id).order_by("-number").values_list("number", flat=True)
    return next(iter(numbers[:1]), None) or 0


def events(
    account_id: int, *, after: int, types: Collection[EventType], limit: int
) -> tuple[list[Event], int]:
    """Return events of these types after a number, oldest first; and the number to go on after. Raise
    ApiError `events_deleted` where retention has deleted some that came after it."""
    newest_number = newest(account_id)
    newer = _published(account_id).filter(number__gt=after, number__lte=newest_number)
    found = newer.filter(type__in=types)
    page = list(found.order_by("number")[:limit])
    _require_no_gap(account_id, after)  # after the read: retention deletes at the same time
    is_all = len(page) < limit
    return page, max(after, newest_number) if is_all else page[-1].number or after


def _require_no_gap(account_id: int, after: int) -> None:
    is_gap = DeletedEvents.objects.filter(account_id=account_id, newest__gt=after).exists
    if after and is_gap():
        raise ApiError(
            ErrorCode.EVENTS_DELETED,
            f"Events after {after} are deleted, as they are older than {settings.EVENT_DAYS} days: go on"
            " with after=0, from the oldest that is kept.",
        )


def _published(account_id: int) -> QuerySet[Event]:
    return Event.objects.filter(account_id=account_id, number__isnull=False)
