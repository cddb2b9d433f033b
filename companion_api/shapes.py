"""What a phone says and hears (docs/protocol.md). A bad event is kept aside, never refused: a call
that is refused because of one event would jam the phone for ever."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID, uuid4

from pydantic import AfterValidator, Field, ValidationError, WithJsonSchema

from http_api.shapes import Identifier, Integer, Shape
from messaging.services.sync import (
    MAX_CAPACITY,
    MESSAGE_EVENTS,
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
    type: Annotated[
        str,
        Field(max_length=32),
        WithJsonSchema({"type": "string", "enum": sorted(MESSAGE_EVENTS | {"received"})}),
    ]
    wall_time: Annotated[str, Field(max_length=40)] = ""
    message_id: Id | None = None
    attempt: Small | None = None
    part: Small | None = None
    parts: Small | None = None
    code: Short = ""
    sender: Annotated[Identifier, AfterValidator(lambda sender: sender[:64])] = ""
    text: str = ""
    sim: Small | None = None

    def reported(self, quarantine: str = "") -> Reported:
        return Reported(**self.model_dump(), quarantine=quarantine or self._what_is_missing())

    def _what_is_missing(self) -> str:
        if self.type == "received":  # a text without a sender is still somebody's answer
            return "" if self.sender or self.text else "incomplete"
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


# What an event can do without: a word of the phone counts, even beside an odd slot or clock.
_BESIDE = frozenset({"wall_time", "code", "sim"})


def _reported(given: Any) -> Reported:
    """The event without the fields that cannot be read; quarantined where one of them matters."""
    if not isinstance(given, dict):
        return Reported(event_id=uuid4(), quarantine="malformed")
    try:
        return Event.model_validate(given).reported()
    except ValidationError as error:
        unreadable = {str(detail["loc"][0]) for detail in error.errors(include_input=False)}
    rest = {name: value for name, value in given.items() if name not in unreadable}
    event = Event.model_validate({"event_id": uuid4(), "type": ""} | rest)
    return event.reported("" if unreadable <= _BESIDE else "malformed")
