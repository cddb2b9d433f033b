"""The shipped phone on the real server and the real database, both on one clock, faults between."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from licenses import services
from messaging.models import Message
from phone_simulator import clock as phone_clock
from phone_simulator import runner, wire
from phone_simulator.agent import Agent
from phone_simulator.device import Device
from phone_simulator.journal import Journal
from phone_simulator.pairing import Invitation, pair
from phone_simulator.pretended_sim import Plan, PretendedSim
from phone_simulator.transport import Faults, FaultyTransport, Reply
from tests.conftest import Api, ManualClock, Tenant

BAD_NETWORK = Faults(
    lose_requests=0.2, lose_replies=0.3, duplicate=0.2, cut=0.1, late=0.05, reorder=True
)
FINAL = {"sent", "delivered", "failed", "uncertain"}


class OneClock(phone_clock.ManualClock):
    """The phone's time passes for the server as well."""

    def __init__(self, server: ManualClock) -> None:
        super().__init__(wall=server.now)
        self._server = server

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self._server.advance(seconds=seconds)


class ClientTransport:
    """Django's test client as the network."""

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: dict[str, Any] | None = None,
        timeout: float = 30.0,
        give_up: Callable[[], bool] | None = None,
    ) -> Reply:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        content = b"" if body is None else wire.encode(body)
        response = Client().generic(method, path, content, "application/json", headers=headers)
        return Reply(response.status_code, response.content)


class DiedError(Exception):
    """The process was killed."""


def die_at(point: str) -> Callable[[str], None]:
    def checkpoint(name: str) -> None:
        if name == point:
            raise DiedError(name)

    return checkpoint


def paired(journal: Journal, tenant: Tenant) -> None:
    code = services.new_pairing_code(tenant.license).code
    pair(journal, ClientTransport(), Invitation("http://testserver", code), Device())


def test_a_message_gets_from_the_api_to_its_delivery(
    api: Api, tenant: Tenant, manual_clock: ManualClock, tmp_path: Path
) -> None:
    clock = OneClock(manual_clock)
    journal = Journal(tmp_path / "phone.sqlite3", clock)
    paired(journal, tenant)
    for number, text in enumerate(("Hello", "ż" * 200, "€")):
        assert (
            api.post("/api/messages/", tenant.message(f"m-{number}", message=text)).status_code
            == 201
        )
    radio = PretendedSim(clock)
    runner.run(
        Agent(journal, ClientTransport(), radio, clock),
        clock,
        has_long_poll=False,
        until_idle=True,
        max_seconds=3600,
    )
    journal.close()
    assert [sms.text for sms in radio.sent] == ["Hello", "ż" * 200, "€"]
    assert set(Message.objects.values_list("status", flat=True)) == {"delivered"}


@pytest.mark.parametrize("seed", range(4))
def test_faults_repeat_nothing_and_leave_nothing_open(
    api: Api, tenant: Tenant, manual_clock: ManualClock, tmp_path: Path, seed: int
) -> None:
    clock, path, outbox = OneClock(manual_clock), tmp_path / "phone.sqlite3", tmp_path / "outbox"
    journal = Journal(path, clock)
    paired(journal, tenant)
    for number in range(8):
        api.post("/api/messages/", tenant.message(f"m-{number}", phone=f"+4812345678{number}"))
    transport = FaultyTransport(ClientTransport(), BAD_NETWORK, random.Random(seed), clock)
    for point in ("reply", "journal", "radio", "accept", "result", *[""] * 6):
        radio = PretendedSim(clock, Plan(fail_rate=0.2, silent_rate=0.2, seed=seed), outbox)
        agent = Agent(journal, transport, radio, clock, checkpoint=die_at(point))
        try:
            runner.run(agent, clock, has_long_poll=False, until_idle=True, max_seconds=86_400)
        except DiedError:
            journal.close()
            if seed % 2:
                clock.reboot()
            journal = Journal(path, clock)
        clock.advance(15 * 60)  # what was released becomes due again
    assert journal.counts() == {}
    journal.close()
    sent = [json.loads(line)["message_id"] for line in outbox.read_text().splitlines()]
    assert max(Counter(sent).values()) == 1
    states = dict(Message.objects.values_list("pk", "status"))
    assert set(states.values()) <= FINAL
    proven = {pk for pk, state in states.items() if state in {"sent", "delivered"}}
    assert proven <= set(sent)
    assert set(states) - set(sent) <= {pk for pk, state in states.items() if state == "uncertain"}
