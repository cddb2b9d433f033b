"""Nothing is sent twice and nothing is lost, whatever the network, the process and the disk do."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from phone_simulator.options import DIE_POINTS
from phone_simulator.pretended_sim import Plan
from phone_simulator.transport import Faults
from tests.phone_simulator.fake_server import FakeServer
from tests.phone_simulator.world import MEMORY, Phone

RATE = st.sampled_from([0.0, 0.2, 0.5])
FAULTS = st.builds(
    Faults,
    lose_requests=RATE,
    lose_replies=RATE,
    duplicate=RATE,
    cut=RATE,
    late=st.sampled_from([0.0, 0.1]),
    reorder=st.booleans(),
)
PLANS = st.builds(
    Plan,
    fail_rate=RATE,
    undelivered_rate=RATE,
    silent_rate=RATE,
    has_delivery_reports=st.booleans(),
)
DEATHS = st.lists(
    st.tuples(st.sampled_from(DIE_POINTS), st.integers(1, 3), st.booleans()), max_size=5
)
OVER = {"released", "unknown", "part_sent", "part_failed"}


def what_is_lost(server: FakeServer) -> list[int]:
    """Messages that were handed out and about which the server heard nothing final."""
    leased = {message["message_id"] for claim in server.claims.values() for message in claim}
    return [message_id for message_id in leased if not OVER & set(server.types(message_id))]


@given(faults=FAULTS, plan=PLANS, deaths=DEATHS, seed=st.integers(0, 99), count=st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_each_message_starts_once_at_most_and_is_accounted_for(
    faults: Faults, plan: Plan, deaths: list[tuple[str, int, bool]], seed: int, count: int
) -> None:
    server = FakeServer()
    for number in range(count):
        server.add("x" * 200 if number % 3 == 0 else "hello", priority=number % 2)
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        phone = Phone(Path(folder) / "phone.sqlite3", server, plan=plan, faults=faults, seed=seed)
        for point, times, is_reboot in deaths:
            phone.run(1800, die_at=(point, times))
            phone.reboot() if is_reboot else phone.restart()
        phone.run()
        assert phone.agent.is_settled
        assert phone.journal.counts() == {}
        phone.journal.close()
    assert max(phone.starts.values(), default=0) <= 1
    assert server.waiting == []
    assert what_is_lost(server) == []
    # Whoever was not told to the radio was released, and nobody was released after a start.
    started = {message_id for message_id, _ in phone.starts}
    for message_id in range(1, count + 1):
        types = set(server.types(message_id))
        assert message_id not in started or "released" not in types
        assert message_id in started or not types & {"part_sent", "part_delivered"}
        assert message_id in started or types & {"released", "unknown", "part_failed"}


def test_a_skewed_wall_clock_changes_nothing_but_the_labels(tmp_path: Path) -> None:
    told = []
    for number, skew in enumerate((0.0, 315_360_000.0, -315_360_000.0)):
        server = FakeServer()
        server.add()
        server.add(start_within_seconds=5)
        phone = Phone(tmp_path / f"{number}.sqlite3", server)
        phone.clock.skew(skew)
        phone.run()
        phone.journal.close()
        told.append(
            [(e["type"], e.get("message_id"), e.get("code")) for e in server.events.values()]
        )
    assert told[0] == told[1] == told[2]
