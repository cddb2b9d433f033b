"""The daily limit is exact under concurrency: never one over, and none refused that fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from licenses.models import DailyUsage
from messaging.models import Message
from tests.conftest import Api, ManualClock, Tenant, in_threads

pytestmark = pytest.mark.django_db(transaction=True)

LIMIT = 100


def single(tenant: Tenant, external_id: str, **headers: str) -> Any:
    return Api().post("/api/messages/", tenant.message(external_id), **headers)


def contact(tenant: Tenant, number: int) -> Any:
    body = tenant.with_keys(
        name="Jan", phone=f"+48600100{number:03}", message="Hi", send_after="2026-04-09T10:00:00"
    )
    return Api().post("/api/contacts/contacts/", body)


def bulk(tenant: Tenant, name: str, size: int) -> Any:
    items = [tenant.message(f"{name}-{number}") for number in range(size)]
    return Api().post("/api/messages/bulk/", tenant.bulk(items))


def used() -> int:
    return DailyUsage.objects.get().used


def test_of_200_requests_on_32_threads_exactly_100_are_accepted(
    tenant: Tenant, manual_clock: ManualClock
) -> None:
    tenant.set_rules(max_daily_sms=LIMIT)
    work = [partial(single, tenant, f"a-{number}") for number in range(2 * LIMIT)]
    answers = in_threads(work, 32)
    assert Counter(answer.status_code for answer in answers) == {201: LIMIT, 403: LIMIT}
    assert {a.json()["code"] for a in answers if a.status_code == 403} == {"daily_limit_exceeded"}
    assert Message.objects.count() == used() == LIMIT


def test_singles_bulks_and_contacts_share_one_limit(
    tenant: Tenant, manual_clock: ManualClock
) -> None:
    """Bulks of 7 race singles of every kind; what is left over no bulk fits in, singles do."""
    tenant.set_rules(max_daily_sms=LIMIT)
    work: list[Callable[[], Any]] = []
    for number in range(12):
        work.append(partial(bulk, tenant, f"b-{number}", 7))
        work += [partial(single, tenant, f"s-{number}-{n}") for n in range(3)]
        work.append(partial(single, tenant, f"i-{number}", Idempotency_Key=f"k-{number}"))
        work.append(partial(contact, tenant, number))
    answers = in_threads(work, 32)
    assert {answer.status_code for answer in answers} == {201, 403}
    assert Message.objects.count() == used() <= LIMIT
    rest = in_threads([partial(single, tenant, f"r-{n}") for n in range(40)], 16)
    left = sum(answer.status_code == 201 for answer in rest)
    assert left < 40
    assert Message.objects.count() == used() == LIMIT


def test_a_refused_bulk_takes_nothing_from_singles(
    tenant: Tenant, manual_clock: ManualClock
) -> None:
    """No message that fits is refused, also while a bulk that does not fit comes and goes."""
    tenant.set_rules(max_daily_sms=50)
    work: list[Callable[[], Any]] = []
    for number in range(50):
        work.append(partial(single, tenant, f"a-{number}"))
        if number % 4 == 0:
            work.append(partial(bulk, tenant, f"b-{number}", 51))
    answers = in_threads(work, 16)
    assert Counter(answer.status_code for answer in answers) == {201: 50, 403: 13}
    assert Message.objects.count() == used() == 50


def test_duplicates_take_nothing_from_the_limit(tenant: Tenant, manual_clock: ManualClock) -> None:
    tenant.set_rules(max_daily_sms=20)
    work = [partial(single, tenant, f"a-{number % 20}") for number in range(80)]
    answers = in_threads(work, 16)
    assert Counter(answer.status_code for answer in answers) == {201: 20, 400: 60}
    assert Message.objects.count() == used() == 20
