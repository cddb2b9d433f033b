"""schemathesis against the OpenAPI document over a live server: with keys, with wrong ones, as a phone.

A few inputs a route in the suite, always the same ones; `make fuzz SECONDS=300` runs new ones.
"""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from smsgate.web.event_stream import EventStream, Look
from smsgate.web.wsgi_bridge import Answer
from tests.conftest import Phone, Tenant
from tests.http_api.live import Server

SECONDS = int(os.environ.get("FUZZ_SECONDS", 0))

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(120 + 2 * SECONDS),
]

# Two checks cannot hold: more is accepted than is described (clients' tolerances, docs/api.md), and
# JSON Schema cannot say which phone numbers and times exist.
NOT_CHECKED = "positive_data_acceptance,negative_data_rejection"

# A phone's long poll takes 55 seconds, a stream has no end.
ENDLESS = ["--exclude-operation-id", "waitForMessages", "--exclude-operation-id", "streamEvents"]


def identities(tenant: Tenant, phone: Phone) -> dict[str, tuple[dict[str, str], str, list[str]]]:
    """Whose headers, of which document, and what else is to be said, by a name."""
    wrong = {"X-License-Key": "WRONGK", "X-Api-Key": "WRONGWRONGKE"}
    return {
        "nobody": ({}, "/api/schema/", []),
        "a wrong key": (wrong, "/api/schema/", []),
        "a tenant": (tenant.pair_headers, "/api/schema/", ENDLESS),
        "a phone": (phone.headers, "/companion/schema/", ENDLESS),
    }


@pytest.mark.parametrize("who", ["nobody", "a wrong key", "a tenant", "a phone"])
def test_whatever_the_schema_allows_or_forbids_is_answered_as_documented(
    server: Server, tenant: Tenant, phone: Phone, settings: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, who: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(EventStream, "wait", _answer_at_once)
    settings.LICENSE_RATE_PER_MINUTE = 0
    settings.FAILED_KEYS_PER_MINUTE = 1_000_000
    headers, schema, more = identities(tenant, phone)[who]
    finished = subprocess.run(
        [
            Path(sysconfig.get_path("scripts"), "schemathesis"),
            "run",
            f"http://127.0.0.1:{server.port}{schema}",
            f"--url=http://127.0.0.1:{server.port}",
            f"--exclude-checks={NOT_CHECKED}",
            "--continue-on-failure",
            "--no-color",
            *(f"--header={name}: {value}" for name, value in headers.items()),
            *more,
            *how_long(),
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout
    assert " generated" in finished.stdout, finished.stdout


async def _answer_at_once(stream: EventStream, scope: Any, receive: Any, look: Look) -> Answer:
    """`?wait=` may be longer than schemathesis waits for an answer."""
    return look.answer


def how_long() -> list[str]:
    if SECONDS:
        return [f"--max-time={SECONDS}", "--max-examples=1000", "--phases=coverage,fuzzing"]
    return ["--max-examples=4", "--phases=fuzzing", "--generation-deterministic"]
