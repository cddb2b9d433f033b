"""protocol/: each number and event type stands there once, and the sides and docs agree with it.

The Kotlin agent's own test does the same for the agent (`ProtocolTest`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

import protocol
from companion_api.requests import Event
from messaging.events import PART_EVENTS, PROOFS_OF_SENDING, REPORT_TYPES, EventType
from phone_simulator.sms_sender import ReportType
from protocol import EVENTS, constant, constant_list
from smsgate.config import PROJECT_DIR

CONSTANTS = json.loads((protocol.FOLDER / "constants.json").read_text("utf-8"))
SERVER = ("companion_api", "http_api", "licenses", "messaging")
TYPES = sorted(EVENTS["events"])


def constants_read_by(*packages: str) -> set[str]:
    texts = [
        path.read_text("utf-8")
        for package in packages
        for path in (PROJECT_DIR / package).rglob("*.py")
    ]
    return {
        name for text in texts for name in re.findall(r'\bconstant(?:_list)?\(\s*"(\w+)"', text)
    }


def test_each_constant_is_read_by_the_sides_that_it_names() -> None:
    by = {name: constant["by"] for name, constant in CONSTANTS.items()}
    assert set(by.values()) == {"all", "phone", "server"}
    assert constants_read_by(*SERVER) == {name for name in by if by[name] != "phone"}
    assert constants_read_by("phone_simulator") >= {name for name in by if by[name] == "phone"}
    assert constants_read_by("phone_simulator") <= {name for name in by if by[name] != "server"}


def test_a_phone_reaches_what_the_server_takes_for_lost_first() -> None:
    assert constant("sim_refusals") < constant("sim_refusals_server")
    assert constant("wait_seconds") < constant("wait_timeout_seconds")
    assert constant("busy_sync_seconds") < constant("lease_seconds")


def test_server_and_phone_know_the_same_event_types() -> None:
    assert sorted(REPORT_TYPES | {EventType.RECEIVED}) == TYPES
    assert sorted(get_args(ReportType)) == sorted(PART_EVENTS)


def test_each_event_of_a_part_proves_that_it_was_sent_or_that_it_was_not() -> None:
    """A new one counts as neither until somebody has decided: see `fold`, and both phones' journals."""
    assert PROOFS_OF_SENDING | {EventType.PART_FAILED} == PART_EVENTS


def test_the_server_reads_the_fields_that_an_event_may_have() -> None:
    fields = {*EVENTS["common"]}
    for event in EVENTS["events"].values():
        fields |= {*event["fields"], *event["optional"]}
    assert fields == Event.model_fields.keys() == EVENTS["fields"].keys()


@pytest.mark.parametrize("kind", TYPES)
def test_an_event_with_the_listed_fields_is_not_quarantined(kind: str) -> None:
    examples = {"message_id": 7, "attempt": 1, "part": 1, "parts": 2, "code": "no_service",
                "sender": "+48500000001", "text": "STOP"}  # fmt: skip
    event = {"event_id": "a0000000-0000-4000-8000-000000000001", "type": kind, "wall_time": ""}
    event |= {name: examples[name] for name in EVENTS["events"][kind]["fields"]}
    assert getattr(Event.model_validate(event).unsaved(), "quarantine", "") == ""


def events_of(value: Any) -> Iterator[dict[str, Any]]:
    """All events in a vector, wherever they stand."""
    if isinstance(value, dict):
        if "event_id" in value and "type" in value:
            yield value
        for item in value.values():
            yield from events_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from events_of(item)


@pytest.mark.parametrize(
    "path", sorted((protocol.FOLDER / "vectors").glob("*.json")), ids=lambda path: path.stem
)
def test_phones_report_events_with_their_fields(path: Path) -> None:
    for event in events_of(json.loads(path.read_text("utf-8"))):
        rule = EVENTS["events"][event["type"]]
        given = {name for name, value in event.items() if value is not None}
        needed = {*EVENTS["common"], *rule["fields"]}
        assert needed <= given <= needed | {*rule["optional"]}, event


def test_each_event_type_stands_in_the_docs_and_each_report_in_a_case_of_the_fold() -> None:
    page = (PROJECT_DIR / "docs/protocol.md").read_text("utf-8")
    assert [kind for kind in TYPES if f"`{kind}`" not in page] == []
    cases = json.loads((protocol.FOLDER / "vectors/server/fold.json").read_text("utf-8"))["cases"]
    played = {event["type"] for case in cases for event in case["events"]}
    assert played - {EventType.LEASE_EXPIRED} == REPORT_TYPES


def test_the_docs_state_the_numbers() -> None:
    text = " ".join((PROJECT_DIR / "docs/protocol.md").read_text("utf-8").split())
    pauses = constant_list("sim_pause_minutes")
    for sentence in (
        f"At most {constant('max_request_bytes') // 1024} KiB and {constant('max_events')} events;",
        f'"pace_seconds": {constant("pace_seconds")}, '
        f'"segments_per_minute": {constant("segments_per_minute")}',
        f"At least {constant('pace_seconds')} s between two starts per SIM, and at most "
        f"{constant('segments_per_minute')} segments in any {constant('pace_window_seconds')} s",
        f"| leases that it has not started | {constant('max_unstarted')} |",
        f"| `held` | {constant('max_held'):,} |",
        f"| parts of a message | {constant('max_parts')} |",
        f"| quarantined events | {constant('max_quarantined'):,}, for 30 days |",
        f"`sims` ({constant('max_sims')})",
        f"After {', '.join(map(str, pauses[:-1]))}, and then every {pauses[-1]} minutes",
        f"after {constant('wait_seconds')} seconds",
        f"no answer for {constant('answer_seconds') // 60} minutes",
    ):
        assert sentence in text, sentence
