"""What phones ask: claims, waiting, reports."""

from __future__ import annotations

import resource
import statistics
import threading
import time
from typing import Any
from uuid import uuid4

from bench.creates import new_message
from bench.figures import Figure, figure
from bench.http import Connection, request
from bench.stack import Stack

WAITING = 2000


class Phone:
    """A paired phone that does nothing but call."""

    def __init__(self, stack: Stack, license_id: int) -> None:
        body = {
            "code": stack.pairing_code(license_id), "install_id": str(uuid4()), "name": "bench",
            "android": "15", "app_version": "1", "sims": [],
        }  # fmt: skip
        self.connection = Connection(stack.port)  # closed when it is idle for as long as that took
        answer = self.connection.call(request("/companion/pair/", body))
        assert answer.status == 201, answer.body
        self.token: str = answer.json()["token"]
        self.device_id: int = answer.json()["device_id"]

    def sync(self, *, capacity: int, events: list[dict[str, Any]] | None = None) -> Any:
        """One call; the answer."""
        body = {
            "claim_id": str(uuid4()), "capacity": capacity, "boot_id": str(uuid4()), "held": [],
            "events": events or [],
        }  # fmt: skip
        answer = self.connection.call(request("/companion/sync/", body, token=self.token))
        assert answer.status == 200, answer.body
        return answer.json()

    def drain(self, most: int | None = None) -> int:
        """Claim in batches of 50 and report each message as delivered, `most` messages or all there are;
        return how many they were."""
        done = 0
        events: list[dict[str, Any]] = []
        while True:
            answer = self.sync(capacity=50 if most is None else min(50, most - done), events=events)
            assert len(answer["acked"]) == len(events)
            if not answer["messages"]:
                return done
            done += len(answer["messages"])
            events = [event for order in answer["messages"] for event in _reports(order)]

    def wait(self) -> int:
        """Long-poll once and return the status: 200 when there is something to claim."""
        return self.connection.call(
            request("/companion/wait/", token=self.token, method="GET")
        ).status


def drain(stack: Stack, *, rounds: int) -> Figure:
    """2,000 messages through one phone: claim, started, sent, delivered, in batches of 50."""
    account = stack.account()
    phone, connection = Phone(stack, account["license_id"]), Connection(stack.port)
    rates = []
    for _ in range(rounds):
        for _ in range(2):
            body = {
                "license__key": account["license_key"],
                "messages": [new_message() for _ in range(1000)],
            }
            assert connection.call(request("/api/messages/bulk/", body)).status == 201
        began = time.perf_counter()
        assert phone.drain() == 2000
        rates.append(2000 / (time.perf_counter() - began))
    return figure(
        "one phone: claim, started, sent, delivered", statistics.median(rates), unit="messages/s",
        at_least=2000,
    )  # fmt: skip


def _reports(order: dict[str, Any]) -> list[dict[str, Any]]:
    about = {"message_id": order["message_id"], "attempt": order["attempt"], "parts": 1}
    return [
        {"event_id": str(uuid4()), "type": kind, "wall_time": "2026-01-01T00:00:00Z", **about, **part}
        for kind, part in (
            ("started", {}), ("part_sent", {"part": 1}), ("part_delivered", {"part": 1}),
        )
    ]  # fmt: skip


def wake_up(stack: Stack, *, rounds: int) -> list[Figure]:
    """From accepted to in the waiting phone's hands, alone and among 2,000 that wait."""
    account = stack.account()
    phone = Phone(stack, account["license_id"])
    alone = _wake_ups(stack, account, phone, rounds)
    memory = stack.web_memory()
    waiting = _waiting_phones(stack, stack.account()["license_id"])
    among = _wake_ups(stack, account, phone, rounds)
    each = (stack.web_memory() - memory) / WAITING / 1024
    still = sum(1 for other in waiting if is_quiet(other))
    for other in waiting:
        other.close()
    return [
        figure("wake-up: accepted → in the phone's hands, median", alone, unit="ms", at_most=100),
        figure(
            f"wake-up among {still:,} waiting phones", among, unit="ms", at_most=100,
            limit=f"{each:.0f} KiB of memory a waiting phone",
        ),
    ]  # fmt: skip


def _wake_ups(stack: Stack, account: dict[str, Any], phone: Phone, rounds: int) -> float:
    times: list[float] = []
    connection = Connection(stack.port)
    for _ in range(rounds * 5):
        handed: list[float] = []
        waiter = threading.Thread(target=_receive, args=(phone, handed))
        waiter.start()
        time.sleep(0.3)  # it waits
        content = request(
            "/api/messages/", {"license__key": account["license_key"], **new_message()}
        )
        assert connection.call(content).status == 201
        accepted = time.perf_counter()
        waiter.join()
        times.append((handed[0] - accepted) * 1000)
    return statistics.median(times)


def _receive(phone: Phone, handed: list[float]) -> None:
    assert phone.wait() == 200
    assert phone.sync(capacity=50)["messages"]
    handed.append(time.perf_counter())


def _waiting_phones(stack: Stack, license_id: int) -> list[Connection]:
    """2,000 long polls of as many phones."""
    allow_many_files()
    tokens = stack.shell(
        f"""
from licenses import keys
from licenses.models import Device
tokens = [keys.new_token() for _ in range({WAITING})]
Device.objects.bulk_create(
    Device(license_id={license_id}, install_id=token, name="waits",
           token_digest=keys.digest("device", token))
    for token in tokens)
print("\\n".join(tokens))
"""
    ).split()
    waiting = []
    for token in tokens:
        phone = Connection(stack.port)
        phone.socket.sendall(request("/companion/wait/", token=token, method="GET"))
        waiting.append(phone)
    time.sleep(5)  # all of them have looked
    return waiting


def allow_many_files() -> None:
    """Let this process open as many connections as there are waiting."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))


def is_quiet(connection: Connection) -> bool:
    """Return whether no byte of the answer has come yet."""
    connection.socket.setblocking(False)
    try:
        connection.socket.recv(1)
    except BlockingIOError:
        return True
    return False
