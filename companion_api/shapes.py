"""What a phone says and hears (docs/protocol.md). A bad event is kept aside, never refused: a call
that is refused because of one event would jam the phone for ever."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from pydantic import Field, ValidationError, WithJsonSchema

from http_api.shapes import Identifier, Integer, Shape
from messaging.services.sync import (
    MAX_CAPACITY,
    Reported,
    SyncRequest,
)

MAX_EVENTS = 200

Id = Annotated[Integer, Field(ge=1, le=2**63 - 1)]
Small = Annotated[Integer, Field(ge=0, le=32767)]
Short = Annotated[str, Field(max_length=64)]


class Sim(Shape):
    """A SIM card as Android describes it."""

    sub_id: Integer | None = None
    slot: Small | None = None
    carrier: Short | None = None


class Pair(Shape):
    """Body of `POST /companion/pair/`."""

    code: Annotated[Identifier, Field(min_length=1, max_length=64)]
    install_id: Annotated[str, Field(min_length=1, max_length=64)]
    name: Annotated[str, Field(max_length=255)] = "phone"
    android: Annotated[Identifier, Field(max_length=64)] = ""
    app_version: Annotated[Identifier, Field(max_length=64)] = ""
    sims: Annotated[list[Sim], Field(max_length=8)] = []

    def facts(self) -> dict[str, Any]:
        facts = self.model_dump(include={"name", "android", "app_version"})
        return facts | {"sims": [sim.model_dump() for sim in self.sims]}


class Held(Shape):
    """A message that the phone holds and has not started."""

    message_id: Id
    attempt: Small


class Event(Shape):
    """One report. Which fields count depends on the type."""

    event_id: UUID
    type: Literal[
        "released",
        "started",
        "part_sent",
        "part_failed",
        "part_delivered",
        "part_undelivered",
        "unknown",
        "received",
    ]
    wall_time: Annotated[str, Field(max_length=40)] = ""
    message_id: Id | None = None
    attempt: Small | None = None
    part: Small | None = None
    parts: Small | None = None
    code: Short = ""
    sender: Annotated[str, Field(max_length=64)] = ""
    text: Annotated[str, Field(max_length=10_000)] = ""
    sim: Small | None = None

    def reported(self) -> Reported:
        return Reported(**self.model_dump(), quarantine=self._what_is_missing())

    def _what_is_missing(self) -> str:
        if self.type == "received":
            return "" if self.sender else "incomplete"
        if self.message_id is None or self.attempt is None:
            return "incomplete"
        needs_part = self.type.startswith("part_")
        if needs_part and not (self.part and self.parts and self.part <= self.parts):
            return "incomplete"
        return ""


class Sync(Shape):
    """Body of `POST /companion/sync/`."""

    claim_id: UUID | None = None
    capacity: Annotated[Integer, Field(ge=0, le=MAX_CAPACITY)] = 0
    boot_id: str | None = None
    held: list[Held] = []
    # Each is read on its own (`_reported`), so that a bad one is kept aside and refuses nothing.
    events: Annotated[
        list[Annotated[Any, WithJsonSchema(Event.model_json_schema())]],
        Field(max_length=MAX_EVENTS),
    ] = []
    health: dict[str, Any] | None = None

    def request(self) -> SyncRequest:
        return SyncRequest(
            capacity=self.capacity,
            claim_id=self.claim_id,
            held=[(held.message_id, held.attempt) for held in self.held],
            events=[_reported(event) for event in self.events],
            health=self.health,
        )


def _reported(given: Any) -> Reported:
    """The event, or a quarantined stand-in for what cannot be read as one."""
    try:
        return Event.model_validate(given).reported()
    except ValidationError:
        event_id = _uuid(given.get("event_id")) if isinstance(given, dict) else None
        return Reported(event_id=event_id or uuid4(), quarantine="malformed")


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
