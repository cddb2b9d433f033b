"""Requests of the webhook routes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from http_api.pagination import Page
from http_api.shapes import MAX_ID, Boolean, Integer, Shape
from messaging.fields import Time, WebhookUrl
from outbox.types import EventType

Name = Annotated[str, Field(max_length=255)]
EventTypes = Annotated[
    list[EventType], Field(max_length=len(EventType), description="Empty or absent: all.")
]
License = Annotated[
    Literal["all", "own"],
    Field(description="`own`: only what concerns the licence of the key that is used."),
]


DeliveryState = Literal["pending", "delivered", "failed"]


class NewEndpoint(Shape):
    """Body of `POST /api/webhooks/`."""

    url: WebhookUrl
    name: Name = ""
    events: EventTypes = []
    license: License = "all"


class ChangedEndpoint(Shape):
    """Body of `PATCH /api/webhooks/{id}/`: what is given is changed."""

    url: WebhookUrl | None = None
    name: Name | None = None
    events: EventTypes | None = None
    license: License | None = None
    enabled: Boolean | None = None

    def changes(self, license_id: int) -> dict[str, Any]:
        """Return them by the fields of Endpoint."""
        given: dict[str, Any] = {
            "url": self.url,
            "name": self.name,
            "event_types": self.events,
            "enabled": self.enabled,
        }
        changes = {field: value for field, value in given.items() if value is not None}
        if self.license is not None:
            changes["license_id"] = license_id if self.license == "own" else None
        return changes


class Replay(Shape):
    """Body of `POST /api/webhooks/{id}/deliveries/replay/`."""

    since: Time


class DeliveryQuery(Page):
    """Query of `GET /api/webhooks/{id}/deliveries/`."""

    state: Annotated[DeliveryState | None, Field(description="Only these.")] = None


LATEST = "latest"
MAX_EVENTS = 500
LONGEST_WAIT = 55


def _after(value: object) -> object:
    if value == LATEST:
        return None
    return value


def _types(value: object) -> object:
    return value.split(",") if isinstance(value, str) else value


After = Annotated[
    Annotated[Integer, Field(ge=0, le=MAX_ID)] | None,
    BeforeValidator(_after),
    Field(
        description="The `after` of the last answer: what came since. 0: from the oldest that is"
        " kept. `latest`: nothing that was before now."
    ),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "format": "int64", "minimum": 0}, {"enum": [LATEST]}]}
    ),
]
Types = Annotated[
    list[EventType],
    BeforeValidator(_types),
    Field(description="Only these, separated by commas."),
]


class EventQuery(Shape):
    """Query of `GET /api/events/`."""

    after: After = 0
    type: Types = []
    limit: Annotated[
        Integer, Field(ge=1, le=MAX_EVENTS, description="Events of an answer at most.")
    ] = 100
    wait: Annotated[
        Integer,
        Field(
            ge=0, le=LONGEST_WAIT, description="Seconds to wait for an event where there is none."
        ),
    ] = 0
