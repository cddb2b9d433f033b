"""The supervisor's rules, on a clock of the test's own and on children that do nothing."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from smsgate.config import PROJECT_DIR
from smsgate.operations.sandbox import environment, free_port
from smsgate.supervisor import child, parent
from tests.smsgate.processes import running_in


class FakeProcess:
    """A child that dies when the test says so."""

    def __init__(self) -> None:
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode


class Family:
    """One child of the supervisor, its lives so far, and the clock they are lived by."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.lives: list[FakeProcess] = []
        self.child = child.Child("worker", self._start)
        self.child.launch()

    def _start(self) -> Any:
        self.lives.append(FakeProcess())
        return self.lives[-1]

    def die(self, code: int = 1, *, after: float = 0.0) -> None:
        self.now += after
        self.lives[-1].returncode = code
        self.child.look_after()

    def rest(self, seconds: float) -> None:
        self.now += seconds
        self.child.look_after()


@pytest.fixture
def family(monkeypatch: pytest.MonkeyPatch) -> Family:
    clock = SimpleNamespace(monotonic=lambda: made[0].now if made else 0.0)
    made: list[Family] = []
    monkeypatch.setattr(child, "time", clock)
    made.append(Family())
    made[0].child.started_at = made[0].now
    return made[0]


def test_a_child_that_lives_is_left_alone(family: Family) -> None:
    for _ in range(5):
        family.rest(100)
    assert len(family.lives) == 1


def test_a_dead_child_comes_back_after_a_rest(family: Family) -> None:
    family.die(-9)
    family.rest(0.9)
    assert len(family.lives) == 1
    family.rest(0.2)
    assert len(family.lives) == 2


def test_the_rest_grows(family: Family) -> None:
    for rest in (1, 2, 4, 8, 16):
        family.die()
        lives = len(family.lives)
        family.rest(rest - 0.1)
        assert len(family.lives) == lives
        family.rest(0.2)
        assert len(family.lives) == lives + 1


def test_one_that_keeps_dying_stops_everything(family: Family) -> None:
    for _ in range(5):
        family.die()
        family.rest(60)
    with pytest.raises(child.CannotLive, match=r"^worker cannot run \(exit code 7\)"):
        family.die(7)


def test_a_minute_of_health_gives_the_tries_back(family: Family) -> None:
    for _ in range(12):
        family.die(after=61)
        family.rest(1.1)
    assert len(family.lives) == 13


def test_one_that_says_it_cannot_start_is_not_tried_again(family: Family) -> None:
    with pytest.raises(child.CannotLive, match="worker cannot run"):
        family.die(parent.CANNOT_START)


def test_a_death_is_told_in_words(family: Family, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(child, "log", lambda *words: print(*words))
        family.die(-signal.SIGKILL)
    assert capsys.readouterr().out == "up WARNING worker ended (signal SIGKILL); again in 1 s\n"


# --- real processes --------------------------------------------------------------------------------


class Fake:
    """A real supervisor, in a process of its own, over children that only print (fake_stack.py)."""

    def __init__(
        self,
        data_dir: Path,
        *children: str,
        seconds: float = 300.0,
        port: int = 0,
        before: Sequence[str] = (),
        **environ: str,
    ) -> None:
        self.process = subprocess.Popen(
            [*before, sys.executable, "-m", "tests.smsgate.fake_stack", str(seconds), *children],
            cwd=PROJECT_DIR,
            env=environment(data_dir, PORT=str(port or free_port()), **environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def read_until(self, *wanted: str) -> None:
        """Read its output up to where all of these lines were seen."""
        assert self.process.stdout is not None
        missing = set(wanted)
        while missing:
            line = self.process.stdout.readline()
            assert line, f"ended without {missing}"
            missing.discard(line.strip())

    def rest(self) -> list[str]:
        """What else it says, but for the line that says that it stops."""
        output, _ = self.process.communicate(timeout=60)
        return [line for line in output.splitlines() if " up       INFO    stopping" not in line]


Start = Callable[..., Fake]


@pytest.fixture
def start(data_dir: Path) -> Iterator[Start]:
    """Starts fake stacks, and leaves none behind where a test fails."""
    fakes: list[Fake] = []

    def start_one(*children: str, **options: Any) -> Fake:
        fakes.append(Fake(data_dir, *children, **options))
        return fakes[-1]

    yield start_one
    for process in running_in(data_dir):
        process.kill()
    for fake in fakes:
        fake.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_those_who_use_the_servers_stop_first(start: Start, number: signal.Signals) -> None:
    fake = start("polite:postgres", "polite:redis", "polite:web", "polite:beat")
    fake.read_until("postgres runs", "redis runs", "web runs", "beat runs")
    fake.process.send_signal(number)
    lines = fake.rest()
    assert sorted(lines[:2]) == ["beat ends", "web ends"]
    assert sorted(lines[2:]) == ["postgres ends", "redis ends"]
    assert fake.process.returncode == 0


def test_signals_that_came_in_ignored_stay_so_and_sigterm_stops_it(start: Start) -> None:
    """As a shell's `&` and `nohup` leave them."""
    fake = start("polite:web", before=["sh", "-c", 'trap "" INT HUP; exec "$@"', "sh"])
    fake.read_until("web runs")
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        ignored = Path(f"/proc/{fake.process.pid}/status").read_text()
        mask = int(re.findall(r"SigIgn:\s+(\w+)", ignored)[0], 16)
        assert bool(mask & 1 << (number - 1)) is (number != signal.SIGTERM), number
    fake.process.terminate()
    assert fake.rest() == ["web ends"]
    assert fake.process.returncode == 0


def test_a_closed_terminal_stops_all_though_no_signal_came(data_dir: Path) -> None:
    terminal, ours = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.smsgate.fake_stack", "300", "polite:web"],
        cwd=PROJECT_DIR,
        env=environment(data_dir, PORT=str(free_port())),
        stdout=ours,
        stderr=ours,
        start_new_session=True,
    )
    os.close(ours)
    said = b""
    while b"web runs" not in said:
        said += os.read(terminal, 1000)
    os.close(terminal)
    try:
        assert process.wait(60) == 0
        assert not running_in(data_dir)
    finally:
        for left in running_in(data_dir):
            left.kill()
        process.wait()


def test_one_that_does_not_stop_is_killed(start: Start) -> None:
    fake = start("deaf:web", seconds=0.5)
    fake.read_until("web runs")
    fake.process.terminate()
    lines = fake.rest()
    assert lines[0] == "web heard"
    assert lines[1].endswith("web does not stop: killed")
    assert fake.process.returncode == 0


def test_a_second_interrupt_hurries(start: Start) -> None:
    fake = start("deaf:web", "polite:postgres")
    fake.read_until("web runs", "postgres runs")
    fake.process.send_signal(signal.SIGINT)
    fake.read_until("web heard")
    fake.process.send_signal(signal.SIGINT)
    assert fake.rest() == ["postgres ends"], "PostgreSQL is never killed: it writes down first"
    assert fake.process.returncode == 0


def test_one_that_cannot_live_takes_all_with_it_in_one_line(start: Start) -> None:
    fake = start("polite:web", "broken:worker")
    lines = fake.rest()
    assert lines[-1] == "smsgate: worker cannot run (exit code 3); its last words are above"
    assert fake.process.returncode == 1


def test_a_second_one_on_the_same_data_is_refused_in_one_line(data_dir: Path, start: Start) -> None:
    first = start("polite:web")
    first.read_until("web runs")
    second = start("polite:web")
    assert second.rest() == [
        f"smsgate: smsgate is running on {data_dir} already; stop it, or choose another DATA_DIR"
    ]
    assert second.process.returncode == 1
    first.process.terminate()
    assert first.rest() == ["web ends"], "the first one was not disturbed"


def test_a_port_in_use_is_one_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        fake = start("polite:web", port=port)
        (line,) = fake.rest()
    assert line.startswith(f"smsgate: cannot listen on 127.0.0.1:{port}: Address already in use")
    assert "PORT" in line
    assert fake.process.returncode == 1


def test_an_address_that_is_not_ours_is_one_line(start: Start) -> None:
    fake = start("polite:web", BIND="192.0.2.1")  # set aside for documentation: nobody has it
    (line,) = fake.rest()
    assert line.startswith("smsgate: cannot listen on 192.0.2.1:")
    assert line.endswith(": Cannot assign requested address; choose another BIND")


def test_it_says_that_it_stops(start: Start) -> None:
    fake = start("polite:web")
    fake.read_until("web runs")
    fake.process.terminate()
    output, _ = fake.process.communicate(timeout=60)
    assert " up       INFO    stopping; " in output


def test_a_setting_that_cannot_be_used_is_one_line(start: Start) -> None:
    fake = start(port=70_000)
    assert fake.rest() == ["smsgate: PORT: expected a whole number from 1 to 65535"]
    assert fake.process.returncode == 1


def test_children_end_with_a_supervisor_that_was_killed() -> None:
    reading, writing = os.pipe()
    script = (
        "from smsgate.supervisor.parent import end_with_parent\n"
        "import threading\n"
        "end_with_parent()\n"
        "print('runs', flush=True)\n"
        "threading.Event().wait()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=PROJECT_DIR,
        env={"SMSGATE_PARENT_FD": str(reading), "PYTHONDONTWRITEBYTECODE": "1"},
        pass_fds=[reading],
        stdout=subprocess.PIPE,
    )
    os.close(reading)
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"runs\n"
        os.close(writing)
        assert child.wait(30) == -signal.SIGTERM
