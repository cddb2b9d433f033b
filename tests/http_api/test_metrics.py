"""Figures of requests, of one process and of several that were forked together."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from smsgate.config import PROJECT_DIR

# The first of two children is killed, after what it counted; then the parent and a third child look.
FORKED = """
import os, signal, sys
from http_api.metrics import REGISTRY, REQUESTS
from prometheus_client import generate_latest

def forked(work):
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    os.waitpid(child, 0)

def count(number):
    for _ in range(number):
        REQUESTS.labels("GET", "api/me/", "200").observe(0.003)

def count_and_die():
    count(3)
    os.kill(os.getpid(), signal.SIGKILL)

def show():
    sys.stdout.write(generate_latest(REGISTRY).decode())
    sys.stdout.flush()

count(1)
forked(count_and_die)
forked(lambda: count(5))
show()
print("# EOF of the parent", flush=True)
forked(show)
"""


def figures(text: str) -> dict[str, float]:
    """Return each sample of the histogram: its name, with the bucket's end where it has one."""
    return {
        sample.name + sample.labels.get("le", ""): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def seen(folder: Path | None) -> list[dict[str, float]]:
    environ = {k: v for k, v in os.environ.items() if k != "PROMETHEUS_MULTIPROC_DIR"}
    if folder is not None:
        environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    finished = subprocess.run(
        [sys.executable, "-c", FORKED], cwd=PROJECT_DIR, env=environ, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    return [figures(text) for text in finished.stdout.split("# EOF of the parent\n")]


def test_whoever_of_several_processes_is_asked_answers_for_all(tmp_path: Path) -> None:
    for found in seen(tmp_path):
        assert found["smsgate_request_seconds_count"] == 9
        assert found["smsgate_request_seconds_sum"] == pytest.approx(0.027)
        assert found["smsgate_request_seconds_bucket0.002"] == 0
        assert found["smsgate_request_seconds_bucket0.005"] == 9
        assert found["smsgate_request_seconds_bucket+Inf"] == 9


def test_without_a_folder_a_process_counts_its_own() -> None:
    parent, _its_copy = seen(None)
    assert parent["smsgate_request_seconds_count"] == 1
