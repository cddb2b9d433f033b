"""POST /api/messages/"""

from __future__ import annotations

import pytest

from licenses.models import DailyUsage
from messaging.models import Message
from tests.conftest import Api, ManualClock, Tenant

URL = "/api/messages/"


def test_it_answers_as_document_000_shows(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    body = {
        "external_id": "order-confirmation-12345",
        "license__key": tenant.keys.license_key,
        "message": "Your order #12345 has been confirmed. Delivery: 2-3 business days.",
        "phone": "+48123456789",
        "send_after": "2026-04-10T09:00:00",
        "priority": 10,
    }
    response = api.post(URL, body)
    assert response.status_code == 201, response.content
    answer = response.json()
    assert list(answer) == [
        "id", "external_id", "phone", "message", "status", "send_after", "created_at",
    ]  # fmt: skip
    assert isinstance(answer.pop("id"), int)
    assert answer == {
        "external_id": "order-confirmation-12345",
        "phone": "+48123456789",
        "message": "Your order #12345 has been confirmed. Delivery: 2-3 business days.",
        "status": "pending",
        "send_after": "2026-04-10T09:00:00",
        "created_at": "2026-04-09T14:32:00Z",
    }


def test_it_refuses_a_duplicate_external_id(api: Api, tenant: Tenant) -> None:
    assert api.post(URL, tenant.message()).status_code == 201
    response = api.post(URL, tenant.message(message="another text"))
    assert response.status_code == 400
    assert response.json()["code"] == "duplicate_external_id"
    assert Message.objects.count() == 1


@pytest.mark.parametrize("limit", [0, 1])
def test_it_refuses_what_is_over_the_daily_limit(api: Api, tenant: Tenant, limit: int) -> None:
    account = tenant.account
    account.max_daily_sms = limit
    account.save()
    statuses = [api.post(URL, tenant.message(f"a-{n}")).status_code for n in range(3)]
    assert statuses == [201] * limit + [403] * (3 - limit)
    assert Message.objects.count() == limit
    assert sum(DailyUsage.objects.values_list("used", flat=True)) == limit


def test_a_duplicate_is_not_counted(api: Api, tenant: Tenant) -> None:
    account = tenant.account
    account.max_daily_sms = 2
    account.save()
    codes = [api.post(URL, tenant.message(external_id)).status_code for external_id in "aab"]
    assert codes == [201, 400, 201]
