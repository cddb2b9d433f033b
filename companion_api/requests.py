"""Requests of a phone (docs/protocol.md). A bad event is kept aside, never refused: a call
that is refused because of one event would jam the phone for ever."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID, uuid4

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, WithJsonSchema

from http_api.shapes import Boolean, Id, Identifier, Integer, Shape, identifier
from messaging import models
from messaging.events import PART_EVENTS, REPORT_TYPES, EventType, Quarantine
from messaging.exchange import SyncRequest
from messaging.leases import AttemptKey
from protocol import SEGMENTS, constant

MAX_CAPACITY = constant("max_capacity")
MAX_PARTS = constant("max_parts")
MAX_EVENTS = constant("max_events")
MAX_HELD = constant("max_held")
MAX_SIMS = constant("max_sims")
MAX_SENDER = constant("max_sender_characters")
MAX_TEXT = MAX_PARTS * SEGMENTS["gsm7"]["part"]  # characters of the longest SMS that there can be

Small = Annotated[Integer, Field(ge=0, le=32767)]
Short = Annotated[str, Field(max_length=64)]
Part = Annotated[Integer, Field(ge=0, le=MAX_PARTS)]


class Sim(Shape):
    """A SIM card as Android describes it."""

    sub_id: Integer | None = None
    slot: Small | None = None
    carrier: Short | None = None


class PairPhone(Shape):
    """Body of `POST /companion/pair/`."""

    code: Annotated[Identifier, Field(min_length=1, max_length=64)]
    install_id: Annotated[str, Field(min_length=1, max_length=64)]
    name: Annotated[str, Field(max_length=255)] = "phone"
    android: Annotated[Identifier, Field(max_length=64)] = ""
    app_version: Annotated[Identifier, Field(max_length=64)] = ""
    sims: Annotated[list[Sim], Field(max_length=MAX_SIMS)] = []

    def facts(self) -> dict[str, Any]:
        facts = self.model_dump(include={"name", "android", "app_version"})
        return facts | {"sims": [sim.model_dump() for sim in self.sims]}


class Held(Shape):
    """A message that the phone holds and has not started."""

    message_id: Id
    attempt: Small


_TYPES = sorted(kind.value for kind in REPORT_TYPES | {EventType.RECEIVED})


class Event(Shape):
    """One report. Which fields count depends on the type."""

    event_id: UUID
    type: Annotated[
        str,
        Field(max_length=32),
        WithJsonSchema({"type": "string", "enum": _TYPES}),
    ]
    wall_time: Annotated[str, Field(max_length=40)] = ""
    sent_time: Annotated[
        str, Field(max_length=40, description="`received`: when the network's centre took it in.")
    ] = ""
    message_id: Id | None = None
    attempt: Small | None = None
    part: Part | None = None
    parts: Part | None = None
    code: Short = ""
    sender: Annotated[Identifier, AfterValidator(lambda sender: sender[:MAX_SENDER])] = ""
    text: Annotated[str, AfterValidator(lambda text: text[:MAX_TEXT])] = ""
    sim: Small | None = None

    def unsaved(self, quarantine: str = "") -> models.Event | models.InboundMessage:
        """Return the row that it becomes."""
        quarantine = quarantine or ("" if self._is_complete() else Quarantine.INCOMPLETE.value)
        if self.type == EventType.RECEIVED and not quarantine:
            return models.InboundMessage(
                event_id=self.event_id,
                sender=self.sender,
                text=self.text,
                sim=self.sim,
                wall_time=self.wall_time,
                sent_time=self.sent_time,
            )
        return models.Event(
            event_id=self.event_id,
            type=self.type,
            message_id=self.message_id,
            attempt=self.attempt,
            part=self.part,
            parts=self.parts,
            code=self.code,
            wall_time=self.wall_time,
            quarantine=quarantine,
        )

    def _is_complete(self) -> bool:
        if self.type == EventType.RECEIVED:  # a text without a sender is still somebody's answer
            return bool(self.sender or self.text)
        if self.message_id is None or self.attempt is None:
            return False
        if self.type not in PART_EVENTS:
            return True
        return bool(self.part and self.parts and self.part <= self.parts)


class SimHealth(Sim):
    paused: Short | None = None  # why the phone sends nothing through it


class Health(Shape):
    """How the phone is. Nothing else of what it says is kept."""

    battery: Annotated[Integer, Field(ge=0, le=100)] | None = None
    charging: Boolean | None = None
    network: Short | None = None
    app_version: Short | None = None
    queue: Annotated[Integer, Field(ge=0, le=2**31 - 1)] | None = None
    sims: Annotated[list[SimHealth], Field(max_length=MAX_SIMS)] | None = None
    permissions: Annotated[dict[Short, Boolean], Field(max_length=32)] | None = None


def _readable(given: Any) -> Any:
    """Drop the unreadable fields of a phone's health: they refuse no report. None: it is no object."""
    if not isinstance(given, dict):
        return None
    try:
        Health.model_validate(given)
    except ValidationError as error:
        places = [detail["loc"] for detail in error.errors(include_input=False)]
        if all(places):
            unreadable = {str(place[0]) for place in places}
            return {name: value for name, value in given.items() if name not in unreadable}
    return given


class Sync(Shape):
    """Body of `POST /companion/sync/`."""

    claim_id: UUID | None = None
    capacity: Annotated[Integer, Field(ge=0, le=MAX_CAPACITY)] = 0
    boot_id: Short | None = None
    # `sync_number` of the last answer that the phone has; null: it has none.
    last_sync_number: Annotated[Integer, Field(ge=0, le=2**53 - 1)] | None = None
    held: Annotated[list[Held], Field(max_length=MAX_HELD)] = []
    # SIM slots that cannot send; null: the default SIM, of messages that name none.
    failing_sims: Annotated[list[Small | None], Field(max_length=MAX_SIMS + 1)] = []
    # Validated one by one (`_event`): a bad event is quarantined and does not refuse the call.
    events: Annotated[
        list[Annotated[Any, WithJsonSchema(Event.model_json_schema())]],
        Field(max_length=MAX_EVENTS),
    ] = []
    health: Annotated[Health | None, BeforeValidator(_readable)] = None

    def acked(self) -> list[str]:
        """Return the id of every event that has one, whatever became of it: it is kept here.

        Ids are strings; a phone that writes numbers understands its own, so they are answered as text.
        """
        ids = [
            identifier(event.get("event_id")) for event in self.events if isinstance(event, dict)
        ]
        return [event_id for event_id in ids if isinstance(event_id, str)]

    def request(self) -> SyncRequest:
        return SyncRequest(
            capacity=self.capacity,
            claim_id=self.claim_id,
            failing_sims=self.failing_sims,
            last_sync_number=self.last_sync_number,
            held=[AttemptKey(held.message_id, held.attempt) for held in self.held],
            events=[_event(event) for event in self.events],
            health=None if self.health is None else self.health.model_dump(exclude_none=True),
        )


# Optional fields: an unreadable value is dropped instead of quarantining the event.
_BESIDE = frozenset({"wall_time", "sent_time", "code", "sim"})


def _event(given: Any) -> models.Event | models.InboundMessage:
    """Return the event without the fields that cannot be read; quarantined where one of them matters."""
    if not isinstance(given, dict):
        return models.Event(event_id=uuid4(), quarantine=Quarantine.MALFORMED.value)
    try:
        return Event.model_validate(given).unsaved()
    except ValidationError as error:
        unreadable = {str(detail["loc"][0]) for detail in error.errors(include_input=False)}
    rest = {name: value for name, value in given.items() if name not in unreadable}
    event = Event.model_validate({"event_id": uuid4(), "type": ""} | rest)
    return event.unsaved("" if unreadable <= _BESIDE else Quarantine.MALFORMED.value)
