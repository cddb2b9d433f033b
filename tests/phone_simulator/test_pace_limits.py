"""The two limits of the radio, for any sequence of texts, restarts and reboots."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from phone_simulator.pace import Pace, Start
from protocol import constant
from tests.phone_simulator.fake_server import FakeServer
from tests.phone_simulator.world import Phone

# The protocol's numbers, not the code's: the code must not be able to move them.
PACE_MS = constant("pace_seconds") * 1000
WINDOW_MS = constant("pace_window_seconds") * 1000
SEGMENTS_PER_MINUTE = constant("segments_per_minute")

ARRIVALS = st.lists(
    st.tuples(
        st.integers(0, 70_000),  # ms until the next one is looked at
        st.integers(0, 1),  # SIM
        st.integers(1, 12),  # segments
        st.booleans(),  # the program is restarted before
    ),
    max_size=40,
)


def assert_pace_kept(starts: list[Start]) -> None:
    for number, start in enumerate(starts):
        same_sim = [other.at_ms for other in starts[:number] if other.sim == start.sim]
        assert all(start.at_ms - other >= PACE_MS for other in same_sim)
        window = [other for other in starts if 0 <= start.at_ms - other.at_ms < WINDOW_MS]
        assert sum(other.segments for other in window) <= SEGMENTS_PER_MINUTE


@given(ARRIVALS)
def test_both_limits_hold(arrivals: list[tuple[int, int, int, bool]]) -> None:
    now, starts = 1_000_000, list[Start]()
    pace = Pace([])
    for pause, sim, segments, is_restarted in arrivals:
        now += pause
        if is_restarted:
            pace = Pace(starts)
        now = max(pace.sim_ready_at(sim, now), pace.segments_ready_at(segments, now))
        assert pace.sim_ready_at(sim, now) == now
        assert pace.segments_ready_at(segments, now) == now
        start = Start(now, sim, segments)
        pace.note(start)
        starts.append(start)
    assert_pace_kept(starts)


@given(ARRIVALS)
def test_it_never_waits_longer_than_it_must(arrivals: list[tuple[int, int, int, bool]]) -> None:
    """A millisecond earlier, one of the limits would have been broken."""
    now, starts = 1_000_000, list[Start]()
    pace = Pace([])
    for pause, sim, segments, _ in arrivals:
        now += pause
        ready = max(pace.sim_ready_at(sim, now), pace.segments_ready_at(segments, now))
        if ready > now:
            too_early = ready - 1
            waits = pace.sim_ready_at(sim, too_early) > too_early
            assert waits or pace.segments_ready_at(segments, too_early) > too_early
        now = ready
        start = Start(now, sim, segments)
        pace.note(start)
        starts.append(start)


def test_a_text_longer_than_the_limit_waits_for_an_empty_minute() -> None:
    pace = Pace([Start(0, 0, 3)])
    pace.limit(PACE_MS, 5)
    assert pace.segments_ready_at(10, 10_000) == WINDOW_MS


def test_the_server_may_slow_it_down_but_not_hurry_it() -> None:
    pace = Pace([])
    pace.limit(0, 1000)
    assert (pace.pace_ms, pace.segments_per_minute) == (PACE_MS, SEGMENTS_PER_MINUTE)
    pace.limit(30_000, 6)
    assert (pace.pace_ms, pace.segments_per_minute) == (30_000, 6)


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.sampled_from([5, 200, 1000, 1530]), min_size=1, max_size=12),
    stops=st.lists(st.tuples(st.integers(1, 90), st.booleans()), max_size=6),
)
def test_a_phone_keeps_the_pace_over_restarts_and_reboots(
    lengths: list[int], stops: list[tuple[int, bool]]
) -> None:
    server = FakeServer()
    for length in lengths:
        server.add("x" * length)
    with tempfile.TemporaryDirectory() as folder:
        phone = Phone(Path(folder) / "phone.sqlite3", server)
        for seconds, is_reboot in stops:
            phone.run(seconds)
            phone.reboot() if is_reboot else phone.restart()
        phone.run()
        phone.journal.close()
    assert_pace_kept([Start(round(at * 1000), call.sim, call.parts) for at, call in phone.sent])
