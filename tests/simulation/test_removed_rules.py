"""The checkers can fail: without any one of the protocol's rules a promise is broken, and seen."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction

from licenses.models import Device
from messaging.exchange import SyncRequest
from messaging.services.sync import sync
from tests.conftest import Api, Tenant, pair_phone
from tests.delivery import accept
from tests.simulation.actions import RECIPIENTS
from tests.simulation.checks import nothing_starts_after_its_end
from tests.simulation.history import Changed, Handed, History, Inserted
from tests.simulation.removed_rules import REMOVED, Removed, without_a_lock
from tests.simulation.scenario import Scenario, report

pytestmark = pytest.mark.timeout(600)

SEEDS = 200


@pytest.mark.django_db
@pytest.mark.parametrize("removed", REMOVED, ids=lambda removed: removed.rule)
def test_each_rule_is_needed(removed: Removed) -> None:
    with removed.without():
        for seed in _seeds(removed):
            if any(
                wrong.startswith(removed.falls)
                for wrong in Scenario.of(
                    seed, removed.only, has_sequel=False, with_losses=removed.with_losses
                ).problems()
            ):
                return
    pytest.fail(f"{removed.falls} held in {SEEDS} worlds without the rule")


def _seeds(removed: Removed) -> Iterator[int]:
    """The one that is known to show it first."""
    yield removed.seed
    yield from (seed for seed in range(SEEDS) if seed != removed.seed)


@pytest.mark.parametrize(("decided", "is_wrong"), [([], True), (["owner: again"], False)])
def test_what_was_called_off_in_doubt_is_handed_out_by_its_owners_word_alone(
    decided: list[str], is_wrong: bool
) -> None:
    """A history made by hand: no phone of the worlds contradicts itself, which is what it takes."""
    history = History()
    history.add(Inserted(0, 1, "a", "a-1", RECIPIENTS[0], 10, True, True, None, "pending"))
    history.add(Changed(1, 1, "pending", "uncertain", "owner"))
    for cause in [*decided, "resend"]:
        history.add(Changed(2, 1, "uncertain", "pending", cause))
    history.add(Handed(3, "phone", 1, 1, 3, 1, 600))
    assert bool(list(nothing_starts_after_its_end(history))) is is_wrong


@pytest.mark.django_db
def test_a_world_that_breaks_a_promise_is_shrunk_and_can_be_played_again() -> None:
    unsorted = next(removed for removed in REMOVED if removed.rule == "1 sorted again")
    scenario = Scenario.of(0, ("post_bulk", "peek"), has_sequel=False)
    scenario = replace(scenario, planned=scenario.planned[:6])
    with unsorted.without():
        told = report(scenario, scenario.problems())
    assert "make sim SEED=0" in told
    assert "the fewest of its 6 actions with rule 1 priority:" in told
    assert (told.count("post_bulk"), told.count("peek")) == (1, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("removal", "phones"), [(nullcontext, 1), (without_a_lock, 2)])
def test_rule_1_locks_what_a_claim_takes(
    removal: type[AbstractContextManager[object]], phones: int, tenant: Tenant, api: Api
) -> None:
    """The one part that a world on a single connection cannot show: two claims at once."""
    message_id = accept(api, tenant)
    one, other = (pair_phone(tenant, name).device for name in ("one", "other"))

    def claim(device: Device) -> list[int]:
        with removal():
            answer = sync(device, SyncRequest(capacity=10, claim_id=uuid4()))
        return [message.message_id for message, _ in answer.messages]

    def claim_and_leave(device: Device) -> list[int]:
        try:
            return claim(device)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            got = claim(one)
            second = pool.submit(claim_and_leave, other)
            while not (second.done() or _somebody_waits_for_us()):
                pass
        got += second.result()
    assert got == [message_id] * phones


def _somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
        )
        return bool(cursor.fetchone()[0])
