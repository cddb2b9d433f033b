"""The fold from events to a state: a function of the set (I4, I5)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.states import (
    FINAL,
    RANK,
    TRANSITIONS,
    AttemptState,
    MessageState,
    Report,
    fold,
)

TABLE = json.loads(
    (Path(__file__).parents[1] / "contract" / "server" / "fold.json").read_text("utf-8")
)

KINDS = ["started", "unknown", "lease_expired", "released"]
PARTS = ["part_sent", "part_failed", "part_delivered", "part_undelivered"]


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: str(case["name"]))
def test_it_folds_as_the_table_says(case: dict[str, object]) -> None:
    events = case["events"]
    assert isinstance(events, list)
    folded = fold(Report(**event) for event in events)
    assert (folded.state, folded.reason) == (case["state"], case["reason"])


def reports(parts: int) -> st.SearchStrategy[Report]:
    plain = st.builds(Report, st.sampled_from(KINDS))
    of_part = st.builds(
        Report,
        st.sampled_from(PARTS),
        st.integers(1, parts),
        st.just(parts),
        st.sampled_from(["", "no_service", "radio_off"]),
    )
    return plain | of_part


logs = st.integers(1, 3).flatmap(lambda parts: st.lists(reports(parts), max_size=8))


@given(logs, st.data())
def test_order_and_repetition_do_not_matter(log: list[Report], data: st.DataObject) -> None:
    again = log + data.draw(st.lists(st.sampled_from(log), max_size=5)) if log else log
    assert fold(data.draw(st.permutations(again))) == fold(log)


@given(logs, st.data())
def test_a_rank_never_falls(log: list[Report], data: st.DataObject) -> None:
    """One more event never lowers the state; a release has no rank of its own."""
    for length in range(len(log)):
        before, after = fold(log[:length]).state, fold(log[: length + 1]).state
        if AttemptState.RELEASED not in (before, after):
            assert RANK[after] >= RANK[before]


@given(logs)
def test_sent_means_that_every_part_was(log: list[Report]) -> None:
    folded = fold(log)
    if folded.state in {AttemptState.SENT, AttemptState.DELIVERED, AttemptState.UNDELIVERED}:
        sent = {report.part for report in log if report.type in PARTS and report.type != PARTS[1]}
        assert len(sent) == max(report.parts or 0 for report in log)


def test_every_state_can_be_left_or_is_final() -> None:
    assert set(TRANSITIONS) == set(MessageState)
    for state, targets in TRANSITIONS.items():
        assert state not in targets
        if state not in FINAL:
            assert targets & FINAL


def test_nothing_returns_to_the_queue_once_it_is_final() -> None:
    waiting = {MessageState.SCHEDULED, MessageState.PENDING, MessageState.LEASED}
    for state in FINAL:
        assert not TRANSITIONS[state] & waiting
