"""What happened in a simulated world, in order: the only thing that the checkers read.

A message is named by its place among the accepted ones, since ids differ from run to run. Times are
seconds since the world began.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class Entry:
    at: float


@dataclass(frozen=True, slots=True)
class Answered(Entry):
    """A client's request to send was answered; `message` is None unless it was 201."""

    key: str  # Idempotency-Key
    status: int
    message: int | None


@dataclass(frozen=True, slots=True)
class Inserted(Entry):
    """A message came to stand in the database, with what it was asked to be."""

    message: int
    tenant: str
    external_id: str
    recipient: str
    priority: int
    resend: bool  # its owner would rather have it twice than not
    any_hour: bool
    send_before: float | None
    state: str


@dataclass(frozen=True, slots=True)
class Changed(Entry):
    """A row of the message's timeline."""

    message: int
    from_state: str
    to_state: str
    cause: str


@dataclass(frozen=True, slots=True)
class Became(Entry):
    """The message's state itself, whenever it differs from what it was."""

    message: int
    state: str


@dataclass(frozen=True, slots=True)
class AttemptBecame(Entry):
    """The state of an attempt, whenever it differs from what it was."""

    message: int
    n: int
    state: str
    is_superseded: bool
    tenant: str  # whose phone has it


@dataclass(frozen=True, slots=True)
class Stored(Entry):
    """A report that the server stored (quarantined ones are not here)."""

    message: int
    n: int
    type: str
    part: int | None
    parts: int | None
    code: str


@dataclass(frozen=True, slots=True)
class Handed(Entry):
    """The server gave a message to a phone, whether or not the answer arrived."""

    phone: str
    life: int
    message: int
    n: int
    answer: int  # messages of one answer share a number
    start_by: float


@dataclass(frozen=True, slots=True)
class Started(Entry):
    """The modem was told to send. This is what costs money and cannot be taken back."""

    phone: str
    tenant: str
    sim: int
    message: int
    n: int
    segments: int
    local_time: str  # day of the week (1 is Monday) and HH:MM on the account's wall clock
    blocked: str  # why the SIM could not send at this moment, or ""


@dataclass(frozen=True, slots=True)
class Heard(Entry):
    """The phone wrote down what the radio or the network said of a part."""

    phone: str
    life: int
    message: int
    n: int
    type: str
    part: int


@dataclass(frozen=True, slots=True)
class Paired(Entry):
    """A phone was paired, with a memory that is counted in lives."""

    phone: str
    life: int


@dataclass(frozen=True, slots=True)
class Forgot(Entry):
    """A phone lost its memory (reinstalled): what it heard in this life may never be known."""

    phone: str
    life: int


@dataclass(frozen=True, slots=True)
class OptedOut(Entry):
    tenant: str
    recipient: str


@dataclass(frozen=True, slots=True)
class OptedIn(Entry):
    tenant: str
    recipient: str


@dataclass(frozen=True, slots=True)
class ReceivedSms(Entry):
    """Somebody sent an SMS to a phone."""

    phone: str
    life: int
    sender: str
    text: str


@dataclass(frozen=True, slots=True)
class Inbox(Entry):
    """Sender and text of all that stands in the tenants' inboxes at the end."""

    texts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Peeked(Entry):
    """A tenant asked for the other one's message."""

    message: int
    status: int


@dataclass(frozen=True, slots=True)
class WentBack(Entry):
    """The database lost its last moments, and these messages with them."""

    lost: frozenset[int]


@dataclass(frozen=True, slots=True)
class Ended(Entry):
    """A message's state after the world came to rest: every phone well, all hours past."""

    message: int
    state: str


Kind = TypeVar("Kind", bound=Entry)


@dataclass(slots=True)
class History:
    hours: dict[str, str] = field(default_factory=dict)  # tenant → its sending hours, if it has any
    entries: list[Entry] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)

    def all(self, kind: type[Kind]) -> Iterator[Kind]:
        return (entry for entry in self.entries if isinstance(entry, kind))
