"""Responses of the webhook routes. The types make the OpenAPI schema; mypy holds the code to them."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from http_api.answers import RowId, UtcTime
from http_api.outgoing import Failure
from http_api.times import utc, utc_or_none
from outbox.types import EventType
from webhooks import signing
from webhooks.bodies import EventBody, bodies
from webhooks.models import Delivery, DeliveryAttempt, Endpoint
from webhooks.requests import DeliveryState


class EndpointRead(TypedDict):
    id: RowId
    url: str
    name: str
    events: list[EventType]  # empty: all
    license: Literal["all", "own"]
    enabled: bool
    disabled_at: UtcTime | None
    disabled_reason: Endpoint.Disabled | None
    failing_since: UtcTime | None
    created_at: UtcTime


class EndpointWithSecret(EndpointRead):
    secret: str  # what signs, as Standard Webhooks writes it


class AttemptRead(TypedDict):
    at: UtcTime
    status_code: int | None
    error: Failure | None
    duration_ms: int


class DeliveryRead(TypedDict):
    id: RowId
    state: DeliveryState
    event: EventBody | None
    created_at: UtcTime
    next_at: UtcTime | None  # the next try
    delivered_at: UtcTime | None
    attempts: list[AttemptRead]  # oldest first


class EndpointPage(TypedDict):
    next: str | None
    results: list[EndpointRead]


class DeliveryPage(TypedDict):
    next: str | None
    results: list[DeliveryRead]


class Replayed(TypedDict):
    replayed_count: int


class EventPage(TypedDict):
    after: RowId  # to ask with the next time
    results: list[EventBody]


def endpoint(row: Endpoint) -> EndpointRead:
    return {
        "id": row.pk,
        "url": row.url,
        "name": row.name,
        "events": [EventType(each) for each in row.event_types],
        "license": "all" if row.license_id is None else "own",
        "enabled": row.disabled_at is None,
        "disabled_at": utc_or_none(row.disabled_at),
        "disabled_reason": Endpoint.Disabled(row.disabled_reason) if row.disabled_reason else None,
        "failing_since": utc_or_none(row.failing_since),
        "created_at": utc(row.created_at),
    }


def endpoint_with_secret(row: Endpoint) -> EndpointWithSecret:
    return {**endpoint(row), "secret": signing.secret(row)}


def delivery(row: Delivery) -> DeliveryRead:
    [event] = bodies(row.account_id, [row.event]) if row.event else [None]
    return {
        "id": row.pk,
        "state": _state(row),
        "event": event,
        "created_at": utc(row.created_at),
        "next_at": utc_or_none(row.next_at),
        "delivered_at": utc_or_none(row.delivered_at),
        "attempts": [_attempt(one) for one in sorted(row.attempts.all(), key=lambda one: one.pk)],
    }


def _state(row: Delivery) -> DeliveryState:
    if row.delivered_at is not None:
        return "delivered"
    return "failed" if row.next_at is None else "pending"


def _attempt(row: DeliveryAttempt) -> AttemptRead:
    return {
        "at": utc(row.at),
        "status_code": row.status_code,
        "error": Failure(row.error) if row.error else None,
        "duration_ms": row.duration_ms,
    }
