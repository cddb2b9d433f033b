"""Subscribe receivers to an account's events, change them, and replay what they missed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThanOrEqual

from http_api import clock
from http_api.derivation import newest_pepper
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError, or_not_found
from licenses.sender import Sender
from outbox import recording as outbox
from outbox.types import EventType
from webhooks import health, signing
from webhooks.models import Delivery, Endpoint
from webhooks.requests import DeliveryState

MAX_ENDPOINTS = 50  # of an account: each event is a row for each of them
REPLAYED_AT_ONCE = 10_000
ALL_TYPES = tuple(EventType)


def endpoints(account_id: int) -> QuerySet[Endpoint]:
    """Return an account's subscriptions."""
    kind = Endpoint.Kind.SUBSCRIPTION
    return Endpoint.objects.filter(account_id=account_id, kind=kind)


class Troubled(NamedTuple):
    """A webhook that somebody should look at."""

    id: int
    is_off: bool  # by itself, since nobody answered there
    has_missed: bool  # something was given up


def troubled(account_id: int, since: dt.datetime) -> list[Troubled]:
    """Return the webhooks that are off by themselves, or were not told of something since then."""
    # The newest by the index: for EXISTS PostgreSQL may read the deliveries of all accounts.
    given_up = Delivery.objects.filter(endpoint=OuterRef("pk"), next_at=None, delivered_at=None)
    last = Subquery(given_up.order_by("-pk").values("created_at")[:1])
    is_off = Q(disabled_reason__in=(Endpoint.Disabled.GONE, Endpoint.Disabled.FAILING))
    has_missed = Coalesce(GreaterThanOrEqual(last, since), False)
    rows = endpoints(account_id).annotate(
        is_off=ExpressionWrapper(is_off, BooleanField()), has_missed=has_missed
    )
    wanted = rows.filter(Q(is_off=True) | Q(has_missed=True, disabled_at=None))
    return [Troubled(*row) for row in wanted.values_list("pk", "is_off", "has_missed")]


def endpoint(account_id: int, endpoint_id: int) -> Endpoint:
    """Raise ApiError `not_found`, also for another account's."""
    return or_not_found(endpoints(account_id).filter(pk=endpoint_id).first(), "webhook")


@transaction.atomic
def subscribe(
    sender: Sender, url: str, *, name: str, event_types: Sequence[str], only_license: bool
) -> tuple[Endpoint, bool]:
    """Subscribe this URL, or say anew what it is to be told: return it, and whether it is new.

    One that was switched off is switched on. Programs subscribe at each of their starts. Raise ApiError
    `conflict` where there are too many.
    """
    outbox.begin(sender.account_id)
    mine = endpoints(sender.account_id).select_for_update()
    known = mine.filter(url=url).first()
    if known is None and mine.count() >= MAX_ENDPOINTS:
        raise ApiError(
            ErrorCode.CONFLICT, f"There are {MAX_ENDPOINTS} webhooks already: delete some first."
        )
    wanted: dict[str, Any] = {
        "name": name,
        "event_types": list(event_types),
        "license_id": sender.license_id if only_license else None,
    }
    if known is not None:
        change(known, wanted | {"enabled": True})
        return known, False
    now = clock.now()
    return Endpoint.objects.get_or_create(
        account_id=sender.account_id,
        kind=Endpoint.Kind.SUBSCRIPTION,
        url=url,
        defaults=wanted | {"secret_pepper": newest_pepper(), "created_at": now},
    )


@transaction.atomic
def change(endpoint: Endpoint, wanted: dict[str, Any]) -> None:
    """Set these fields; `enabled` switches it on or off. Raise ApiError `conflict` for a URL that is
    another's."""
    _lock(endpoint)
    is_enabled = wanted.pop("enabled", None)
    others = endpoints(endpoint.account_id).exclude(pk=endpoint.pk)
    if "url" in wanted and others.filter(url=wanted["url"]).exists():
        raise ApiError(ErrorCode.CONFLICT, "Another webhook has this URL.")
    is_moved = wanted.get("url", endpoint.url) != endpoint.url
    for field, value in wanted.items():
        setattr(endpoint, field, value)
    if is_moved or (is_enabled and endpoint.disabled_at is not None):
        endpoint.failures, endpoint.failing_since, endpoint.rests_until = 0, None, None
    if is_enabled:
        endpoint.disabled_at, endpoint.disabled_reason = None, ""
    endpoint.save()
    if is_enabled is False and endpoint.disabled_at is None:
        health.disable(endpoint, Endpoint.Disabled.OWNER, clock.now())


def _lock(endpoint: Endpoint) -> None:
    """Read it anew and lock it: a worker writes how it does, another request what it is. Raise ApiError
    `not_found` where it was deleted meanwhile."""
    mine = endpoints(endpoint.account_id).select_for_update(no_key=True)
    try:
        endpoint.refresh_from_db(from_queryset=mine)
    except Endpoint.DoesNotExist:
        or_not_found(None, "webhook")


@transaction.atomic
def rotate(endpoint: Endpoint) -> None:
    """Replace its secret; the former one signs too for a day. Raise ApiError `not_found`."""
    _lock(endpoint)
    signing.rotate(endpoint, clock.now())
    endpoint.save(update_fields=["secret_pepper", "former_pepper", "secret_number", "rotated_at"])


@transaction.atomic
def delete(endpoint: Endpoint) -> None:
    """Tell it nothing more. What it was told goes piece by piece (webhooks.retention): of a month there
    may be millions. Raise ApiError `not_found`."""
    _lock(endpoint)
    endpoint.kind, endpoint.url = Endpoint.Kind.DELETED, str(endpoint.pk)
    endpoint.disabled_at, endpoint.disabled_reason = clock.now(), Endpoint.Disabled.OWNER
    endpoint.save()


def test(endpoint: Endpoint) -> None:
    """Let it be sent a `webhook.test`. Raise ApiError `conflict` where it is switched off."""
    if endpoint.disabled_at is not None:
        raise ApiError(ErrorCode.CONFLICT, "This webhook is switched off.")
    told = outbox.Told(EventType.WEBHOOK_TEST, data={"endpoint": endpoint.pk})
    outbox.record(endpoint.account_id, [told], clock.now())


def deliveries(
    endpoint: Endpoint,
    types: Collection[EventType] = ALL_TYPES,
    state: DeliveryState | None = None,
) -> QuerySet[Delivery]:
    """Return what was and is to be told to it, of these types and this state, with the events and the
    attempts."""
    found = endpoint.deliveries.filter(event__type__in=types)
    found = found.select_related("event").prefetch_related("attempts")
    match state:
        case "pending":
            return found.filter(next_at__isnull=False)
        case "delivered":
            return found.filter(delivered_at__isnull=False)
        case "failed":
            return found.filter(next_at__isnull=True, delivered_at__isnull=True)
    return found


def replay(
    endpoint: Endpoint, delivery_id: int, types: Collection[EventType] = ALL_TYPES
) -> Delivery:
    """Send one delivery again, from its first try, where it is of one of these types. Raise ApiError
    `not_found`, `conflict`."""
    found = or_not_found(deliveries(endpoint, types).filter(pk=delivery_id).first(), "delivery")
    _replay(endpoint, endpoint.deliveries.filter(pk=found.pk))
    found.refresh_from_db()
    return found


def replay_failed(endpoint: Endpoint, since: dt.datetime) -> int:
    """Send again what was given up of events since a time, oldest first; return how many, at most
    REPLAYED_AT_ONCE. Raise ApiError `conflict`."""
    given_up = endpoint.deliveries.filter(next_at=None, delivered_at=None, created_at__gte=since)
    ids = list(given_up.order_by("pk").values_list("pk", flat=True)[:REPLAYED_AT_ONCE])
    return _replay(endpoint, endpoint.deliveries.filter(pk__in=ids))


def replay_given_up(chosen: QuerySet[Delivery]) -> int:
    """Send again those of these that were given up and whose endpoint is on; return how many."""
    given_up = chosen.filter(next_at=None, delivered_at=None)
    ids = given_up.filter(endpoint__disabled_at=None).values_list("pk", flat=True)
    return Delivery.objects.filter(pk__in=list(ids)).update(tries=0, next_at=clock.now())


def _replay(endpoint: Endpoint, chosen: QuerySet[Delivery]) -> int:
    if endpoint.disabled_at is not None:
        raise ApiError(ErrorCode.CONFLICT, "This webhook is switched off: switch it on first.")
    return chosen.update(tries=0, next_at=clock.now(), delivered_at=None)
