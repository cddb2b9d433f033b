"""How fast a send through a dialect is, beside the native API: `python bench/dialect_rate.py`

Starts the whole service in a temporary folder and lets CLIENTS keep-alive clients send single messages
for a few seconds, the two APIs in turns, so that whatever else the machine does slows both. Prints the
median rates and the median of the rounds' ratios (to reach: >= 0.8), and what a message costs the
service in CPU time, which says more on a busy machine.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.client
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

PROJECT = Path(__file__).resolve().parent.parent
CLIENTS = 16
START_SECONDS = 60.0


@dataclass(frozen=True)
class Api:
    """One way to send a message: where, with which key, with which body."""

    name: str
    path: str
    headers: dict[str, str]
    body: Callable[[int], dict[str, Any]]


Pair = tuple[Api, Api]


def apis(keys: dict[str, Any]) -> Pair:
    pair = base64.b64encode(f"{keys['username']}:{keys['password']}".encode()).decode()
    run = os.urandom(4).hex()
    return (
        Api(
            "native",
            "/api/messages/",
            {},
            lambda n: {
                "license__key": keys["license_key"],
                "external_id": f"{run}-{n}",
                "phone": f"+4860{n % 10_000_000:07}",
                "message": "Your order is on its way.",
            },
        ),
        Api(
            "android-sms-gateway",
            "/api/3rdparty/v1/messages",
            {"Authorization": f"Basic {pair}"},
            lambda n: {
                "phoneNumbers": [f"+4860{n % 10_000_000:07}"],
                "textMessage": {"text": "Your order is on its way."},
            },
        ),
    )


def send_for(
    seconds: float, port: int, api: Api, numbers: itertools.count[int]
) -> tuple[int, float]:
    """How many messages were accepted, and in how many seconds."""
    accepted = [0] * CLIENTS
    until = time.perf_counter() + seconds

    def send(client: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        while time.perf_counter() < until:
            body = json.dumps(api.body(next(numbers)))
            headers = {"Content-Type": "application/json", **api.headers}
            connection.request("POST", api.path, body, headers)
            response = connection.getresponse()
            answer = response.read()
            if response.status not in {200, 201}:
                raise RuntimeError(f"{api.name}: {response.status} {answer!r}")
            accepted[client] += 1
        connection.close()

    threads = [threading.Thread(target=send, args=(client,)) for client in range(CLIENTS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(accepted), time.perf_counter() - began


def measure(service: psutil.Process, port: int, rounds: int, seconds: float, pair: Pair) -> float:
    """Prints both APIs' figures; answers the ratio of their rates."""
    numbers = itertools.count()
    figures: dict[str, list[tuple[float, float]]] = {api.name: [] for api in pair}
    for turn in range(rounds + 1):
        for api in pair:
            before = cpu_seconds(service)
            accepted, took = send_for(seconds, port, api, numbers)
            if turn > 0:  # the first one warms up
                cost = (cpu_seconds(service) - before) / accepted
                figures[api.name].append((accepted / took, cost * 1000))
    for name, rounds_of in figures.items():
        rate, cost = (statistics.median(values) for values in zip(*rounds_of, strict=True))
        print(f"{name:<22} {rate:6.0f} messages/s {cost:7.2f} ms of CPU each", flush=True)
    ours, theirs = figures.values()
    return statistics.median(their[0] / our[0] for our, their in zip(ours, theirs, strict=True))


def cpu_seconds(service: psutil.Process) -> float:
    """Of all its processes so far."""
    total = 0.0
    for process in (service, *service.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each API in each round")
    options = parser.parse_args()
    port = options.port or _free_port()
    with tempfile.TemporaryDirectory(prefix="smsgate-bench-") as folder:
        ours = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PEPPER_1", "BIND"}
        environ = {name: value for name, value in os.environ.items() if name not in ours} | {
            "DATA_DIR": f"{folder}/data",
            "PORT": str(port),
            "LICENSE_RATE_PER_MINUTE": "0",  # no throttle: it is what is to be measured against
        }
        log = Path(folder) / "service.log"
        with log.open("wb") as output:
            service = subprocess.Popen(
                [sys.executable, "-m", "smsgate.up"],
                cwd=PROJECT, env=environ, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            _wait(service, port, log)
            keys = json.loads(
                subprocess.check_output(
                    [sys.executable, "manage.py", "provision", "Bench", "--json"],
                    cwd=PROJECT, env=environ,
                )
            )  # fmt: skip
            ratio = measure(
                psutil.Process(service.pid), port, options.rounds, options.seconds, apis(keys)
            )
        finally:
            service.terminate()
            service.wait(60)
    print(f"{'ratio of the rates':<22} {ratio:6.2f}            (to reach: >= 0.80)")
    return 0 if ratio >= 0.8 else 1


def _wait(service: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz/", timeout=5):
                return
        except OSError:
            if service.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the service did not start:\n{log.read_text()}") from None
            time.sleep(0.1)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
