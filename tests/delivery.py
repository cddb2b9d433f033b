"""What the tests of delivery share: a phone as it looks on the wire."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import uuid4

from messaging.models import Message, StateChange
from tests.conftest import Api, Phone, Tenant


class Wire:
    """Speaks to `/companion/sync/` for one phone."""

    def __init__(self, api: Api, phone: Phone) -> None:
        self.api = api
        self.phone = phone

    def sync(self, **body: Any) -> dict[str, Any]:
        response = self.api.post("/companion/sync/", body, **self.phone.headers)
        assert response.status_code == 200, response.content
        answer: dict[str, Any] = response.json()
        return answer

    def claim(self, capacity: int = 10) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = self.sync(claim_id=str(uuid4()), capacity=capacity)[
            "messages"
        ]
        return messages

    def report(self, *events: dict[str, Any]) -> dict[str, Any]:
        return self.sync(capacity=0, events=list(events))


def event(kind: str, message_id: int, attempt: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "event_id": str(uuid4()),
        "type": kind,
        "wall_time": "2036-04-09T14:32:00+00:00",  # phones' clocks are wrong, and it must not matter
        "message_id": message_id,
        "attempt": attempt,
    } | fields


def sent(message_id: int, attempt: int = 1) -> list[dict[str, Any]]:
    return [
        event("started", message_id, attempt, parts=1),
        event("part_sent", message_id, attempt, part=1, parts=1),
    ]


def accept(api: Api, tenant: Tenant, external_id: str = "a-1", **fields: Any) -> int:
    response = api.post("/api/messages/", tenant.message(external_id, **fields))
    assert response.status_code == 201, response.content
    return int(response.json()["id"])


def status(message_id: int) -> str:
    return str(Message.objects.get(pk=message_id).status)


def history(message_id: int) -> list[tuple[str, str]]:
    """The message's changes of state, each of which must begin where the one before ended."""
    rows = StateChange.objects.filter(message_id=message_id).order_by("pk")
    changes = [(row.from_state, row.to_state) for row in rows]
    for (_, before), (after, _) in itertools.pairwise(changes):
        assert before == after, changes
    if changes:
        assert changes[-1][1] == status(message_id)
    return changes
