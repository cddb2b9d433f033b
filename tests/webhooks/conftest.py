"""A program that is subscribed, and a worker that does what is due."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings

from tests.conftest import Api, ManualClock, Tenant
from tests.receiver import Receiver, receiver
from webhooks import delivery, due


@pytest.fixture
def program(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    settings.WEBHOOK_PRIVATE_NETWORKS = ("127.0.0.1",)
    monkeypatch.setattr(due, "_JITTER", 0)
    with receiver() as found:
        yield found


def work(clock: ManualClock, **later: float) -> None:
    """All that a worker finds to do so much later."""
    clock.advance(**later)
    while delivery.deliver({}):
        pass


def subscribe(api: Api, tenant: Tenant, url: str, **fields: Any) -> dict[str, Any]:
    response = api.post("/api/webhooks/", {"url": url} | fields, **tenant.headers)
    assert response.status_code in {200, 201}, response.content
    found: dict[str, Any] = response.json()
    return found


def told(program: Receiver) -> list[str]:
    return [call.json["type"] for call in program.calls]


def events(api: Api, tenant: Tenant, **query: str) -> list[dict[str, Any]]:
    response = api.get("/api/events/", tenant, **query)
    assert response.status_code == 200, response.content
    results: list[dict[str, Any]] = response.json()["results"]
    return results
