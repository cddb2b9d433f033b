"""The server's side of the vectors: it understands what they ask and answers as they do."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

import protocol
from companion_api import responses
from companion_api.requests import PairPhone, Sync
from messaging.exchange import SyncAnswer
from messaging.leases import LeasedMessage

VECTORS = sorted((protocol.FOLDER / "vectors").glob("*.json"))
NOW = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def calls(path: Path) -> Iterator[dict[str, Any]]:
    for turn in json.loads(path.read_text(encoding="utf-8"))["turns"]:
        for kind in ("run", "wait", "http"):
            yield from (call for call in turn.get(kind, []) if "request" in call)


def with_ids(value: Any) -> Any:
    """Names of ids become ids."""
    if isinstance(value, dict):
        return {key: with_ids(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_ids(item) for item in value]
    is_name = isinstance(value, str) and value.startswith("$")
    return str(uuid5(NAMESPACE_URL, value)) if is_name else value


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_it_understands_every_request(path: Path) -> None:
    for call in calls(path):
        body = with_ids(call["request"].get("body"))
        if call["request"]["path"] == "/companion/pair/":
            PairPhone.model_validate(body)
        elif call["request"]["path"] == "/companion/sync/":
            events = Sync.model_validate(body).request().events
            assert [getattr(event, "quarantine", "") for event in events] == [""] * len(events)


def test_its_answers_have_the_same_fields() -> None:
    message = LeasedMessage(
        message_id=1,
        attempt=1,
        phone="+48500000001",
        text="Hello",
        sim=None,
        priority=0,
        expires_at=None,
        any_hour=False,
        leased_until=NOW,
    )
    answer = responses.synced(SyncAnswer([(message, 600)], [], False, 1, 60, NOW), [])
    replies = [
        call["reply"]["body"]
        for path in VECTORS
        for call in calls(path)
        if call["request"]["path"] == "/companion/sync/" and call["reply"].get("status") == 200
    ]
    for reply in replies:
        # Servers before 0.2 do not count their answers.
        assert (reply.keys() | {"sync_number"}) - {"forget"} == answer.keys()
    fields = [given.keys() for reply in replies for given in reply["messages"]]
    assert set().union(*fields) == answer["messages"][0].keys()
