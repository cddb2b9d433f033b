"""Which state may follow which."""

from __future__ import annotations

from messaging.states import FINAL, RANK, TRANSITIONS, AttemptState, MessageState


def test_every_state_can_be_left_or_is_final() -> None:
    assert set(TRANSITIONS) == set(MessageState)
    for state, targets in TRANSITIONS.items():
        assert state not in targets
        if state not in FINAL:
            assert targets & FINAL


def test_only_what_failed_returns_to_the_queue_once_it_is_final() -> None:
    waiting = {MessageState.SCHEDULED, MessageState.PENDING, MessageState.LEASED}
    returns = {state for state in FINAL if TRANSITIONS[state] & waiting}
    assert returns == {MessageState.FAILED}  # by its owner (messaging.services.owner)


def test_a_report_s_rank_never_falls() -> None:
    """The fold gives a state, and TRANSITIONS alone decides whether it counts."""
    rank = {
        MessageState(state.value): RANK[state]
        for state in RANK
        if state is not AttemptState.RELEASED
    }
    for before in rank:
        for after in rank.keys() & TRANSITIONS[before]:
            assert rank[after] > rank[before], (before, after)
