"""Which events a key may be told of: what it may read by the other routes, and no more."""

from __future__ import annotations

from collections.abc import Collection

from licenses import scopes
from licenses.scopes import Scope
from licenses.sender import Sender
from outbox.types import EventType

_SCOPES = {
    "message": Scope.READ, "sms": Scope.INBOX, "opt_out": Scope.CONTACTS,
    "contacts": Scope.CONTACTS,
}  # fmt: skip


def _scope_of(event: EventType) -> Scope:
    return _SCOPES.get(event.partition(".")[0], Scope.ANY)


def require(sender: Sender, types: Collection[EventType]) -> None:
    """Raise ApiError `scope_missing` where a key may not be told of one of these; none are all."""
    for event in types or EventType:
        scopes.require(sender.scopes, _scope_of(event))


def of(sender: Sender, types: Collection[EventType] = ()) -> list[EventType]:
    """Return those of these, none being all, that a key may be told of."""
    return [
        event
        for event in types or EventType
        if sender.scopes is None or _scope_of(event) in {Scope.ANY, *sender.scopes}
    ]
