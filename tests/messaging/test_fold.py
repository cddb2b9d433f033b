"""The fold from events to a state: a function of the set (I4, I5)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import protocol
from messaging.events import PART_EVENTS, PROOFS_OF_SENDING, EventType
from messaging.fold import Report, fold
from messaging.states import RANK, AttemptState

TABLE = json.loads((protocol.FOLDER / "vectors/server/fold.json").read_text("utf-8"))

KINDS = sorted(set(EventType) - PART_EVENTS - {EventType.RECEIVED})
PARTS = sorted(PART_EVENTS)


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: str(case["name"]))
def test_it_folds_as_the_table_says(case: dict[str, object]) -> None:
    events = case["events"]
    assert isinstance(events, list)
    folded = fold(Report(**event) for event in events)
    assert (folded.state, folded.reason) == (case["state"], case["reason"])


@pytest.mark.parametrize("kind", ["teleported", "received"])
def test_what_says_nothing_of_an_attempt_cannot_be_folded(kind: str) -> None:
    """It would be stored as if it counted, and move nothing."""
    with pytest.raises((ValueError, AssertionError)):
        fold([Report(kind)])  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [*KINDS, *PARTS])
def test_each_type_of_event_moves_an_attempt(kind: EventType) -> None:
    assert fold([Report(kind, 1, 1)]).state is not AttemptState.LEASED


def reports(parts: int) -> st.SearchStrategy[Report]:
    plain = st.sampled_from(KINDS).map(Report)
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
        sent = {report.part for report in log if report.type in PROOFS_OF_SENDING}
        assert len(sent) == max(report.parts or 0 for report in log)
