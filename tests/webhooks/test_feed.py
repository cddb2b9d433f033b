"""`GET /api/events/`: oldest first, without gaps, whatever commits when."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection, transaction

from http_api import clock
from licenses import services
from licenses.models import KeptSms
from messaging.drafts import Draft
from messaging.services.accept import REFUSE
from messaging.services.accept import accept as accept_drafts
from outbox import recording
from outbox.models import Event
from outbox.types import EventType
from tests.conftest import Api, ManualClock, Phone, Tenant, in_threads, refused
from tests.delivery import Wire, accept
from tests.webhooks.conftest import events
from tests.webhooks.test_what_is_told import received
from webhooks import feed, retention
from webhooks.publishing import PIECE

URL = "/api/events/"


def test_it_begins_when_somebody_first_asks(api: Api, tenant: Tenant) -> None:
    accept(api, tenant, "before")
    assert events(api, tenant) == []
    accept(api, tenant)
    assert [each["data"]["external_id"] for each in events(api, tenant)] == ["a-1"]


def test_each_answer_says_where_to_go_on(api: Api, tenant: Tenant, other_tenant: Tenant) -> None:
    for one in (tenant, other_tenant):
        recording.begin(one.keys.account_id)
        for number in range(5):
            accept(api, one, f"a-{number}")
    seen, after = [], "0"
    for _ in range(4):
        page = api.get(URL, tenant, after=after, limit="2").json()
        seen += [each["data"]["external_id"] for each in page["results"]]
        after = str(page["after"])
    assert seen == [f"a-{number}" for number in range(5)]
    assert api.get(URL, tenant, after=after).json() == {"after": int(after), "results": []}


def test_what_is_filtered_out_is_passed(api: Api, tenant: Tenant) -> None:
    recording.begin(tenant.keys.account_id)
    for number in range(3):
        message_id = accept(api, tenant, f"a-{number}")
    api.delete(f"/api/messages/{message_id}/", tenant)
    page = api.get(URL, tenant, type="message.sent,message.cancelled").json()
    assert [each["type"] for each in page["results"]] == ["message.cancelled"]
    assert events(api, tenant, type="message.sent", after=str(page["after"])) == []
    assert api.get(URL, tenant, type="message.sent").json()["after"] == page["after"]


def test_latest_is_where_nothing_old_comes(api: Api, tenant: Tenant) -> None:
    recording.begin(tenant.keys.account_id)
    accept(api, tenant, "before")
    page = api.get(URL, tenant, after="latest").json()
    assert page["results"] == []
    accept(api, tenant)
    [found] = events(api, tenant, after=str(page["after"]))
    assert found["data"]["external_id"] == "a-1"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"after": "x"}, "after"), ({"after": "-1"}, "after"), ({"type": "sent"}, "type"),
        ({"limit": "0"}, "limit"), ({"limit": "501"}, "limit"), ({"wait": "56"}, "wait"),
        ({"since": "1"}, "since"),
    ],
)  # fmt: skip
def test_a_query_that_means_nothing_is_refused(
    api: Api, tenant: Tenant, query: dict[str, str], field: str
) -> None:
    response = api.get(URL, tenant, **query)
    assert response.status_code == 400
    assert field in response.json()["errors"]


def test_a_key_sees_what_it_may_read(api: Api, tenant: Tenant, phone: Phone) -> None:
    recording.begin(tenant.keys.account_id)
    tenant.set_rules(kept_sms=KeptSms.ALL)
    accept(api, tenant)
    Wire(api, phone).report(received("STOP"))
    services.set_scopes(tenant.license, "inbox send")
    assert [each["type"] for each in events(api, tenant)] == ["sms.received"]
    services.set_scopes(tenant.license, "contacts read")
    types = [each["type"] for each in events(api, tenant)]
    assert types == ["message.accepted", "opt_out.created"]


def test_an_unknown_key_is_refused(api: Api, tenant: Tenant) -> None:
    response = api.client.get(URL, headers={"Authorization": "Bearer ABCDEFGHJKLM"})
    refused(response, 401, "license_not_found")


@pytest.mark.django_db(transaction=True)
def test_what_is_committed_late_is_not_missed(tenant: Tenant, api: Api) -> None:
    """A transaction draws its id, waits, and commits when others have long been read."""
    account_id = tenant.keys.account_id
    recording.begin(account_id)
    numbers = iter(range(100_000))

    def write(seconds: float) -> None:
        with transaction.atomic():
            draft = Draft(phone="+48600100200", text="x", external_id=f"{next(numbers)}")
            accept_drafts(tenant.sender, [draft], REFUSE)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(%s)", [seconds])

    def read(seen: list[int]) -> None:
        after = 0
        for _ in range(60):
            page, after = feed.events(account_id, after=after, types=types, limit=3)
            seen += [each.pk for each in page]

    types = list(EventType)
    source = random.Random(7)
    seen: list[list[int]] = [[], []]
    work: list[Callable[[], None]] = [partial(read, one) for one in seen]
    work += [partial(write, source.random() / 50) for _ in range(60)]
    in_threads(work, threads=8)
    written = list(Event.objects.values_list("pk", flat=True))
    assert len(written) == 60
    for one in seen:
        page, _ = feed.events(account_id, after=0, types=types, limit=500)
        rest = [each.pk for each in page]
        assert one == rest[: len(one)], "in one order for all, without a gap"


def test_more_than_a_piece_is_published_in_its_order(tenant: Tenant) -> None:
    account_id = tenant.keys.account_id
    told = [recording.Told(EventType.WEBHOOK_TEST, data={"n": n}) for n in range(PIECE + 5)]
    recording.begin(account_id)
    recording.record(account_id, told, clock.now())
    seen: list[int] = []
    after = 0
    for _ in range(5):
        page, after = feed.events(
            account_id, after=after, types=[EventType.WEBHOOK_TEST], limit=500
        )
        seen += [each.data["n"] for each in page]
    assert seen == list(range(PIECE + 5))


def test_events_end_with_what_was_delivered_of_them(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    recording.begin(tenant.keys.account_id)
    accept(api, tenant)
    events(api, tenant)
    manual_clock.advance(days=29)
    accept(api, tenant, "a-2")
    for days, left in ((0, 2), (2, 1), (60, 1)):
        manual_clock.advance(days=days)
        retention.delete_old(lambda: True)
        assert Event.objects.count() == left, "one that nobody has published stays"


def test_who_comes_back_after_events_were_deleted_is_told(
    api: Api, tenant: Tenant, other_tenant: Tenant, manual_clock: ManualClock
) -> None:
    for one in (tenant, other_tenant):
        recording.begin(one.keys.account_id)
        accept(api, one)
    first, others = (events(api, one)[-1]["id"] for one in (tenant, other_tenant))
    accept(api, tenant, "a-2")
    last = events(api, tenant)[-1]["id"]
    manual_clock.advance(days=31)
    retention.delete_old(lambda: True)
    assert events(api, tenant, after=str(last)) == [], "who has had them all has no gap"
    assert events(api, other_tenant, after=str(others)) == [], "of another account more are gone"
    response = api.get(URL, tenant, after=str(first))
    refused(response, 410, "events_deleted")
    assert (
        f"Events after {first} are deleted, as they are older than 30 days"
        in response.json()["message"]
    )
    accept(api, tenant, "a-3")
    page = api.get(URL, tenant, after="0").json()
    assert [each["data"]["external_id"] for each in page["results"]] == ["a-3"]
    assert events(api, tenant, after=str(page["after"])) == []
    assert api.get(URL, tenant, after="latest").status_code == 200


def test_what_is_deleted_while_the_feed_is_read_is_told(
    api: Api, tenant: Tenant, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording.begin(tenant.keys.account_id)
    for number in range(3):
        accept(api, tenant, f"a-{number}")
    first = events(api, tenant, limit="1")[0]["id"]
    manual_clock.advance(days=31)
    published = feed._published

    def delete_before(account_id: int) -> object:
        retention.delete_old(lambda: True)
        return published(account_id)

    monkeypatch.setattr(feed, "_published", delete_before)
    refused(api.get(URL, tenant, after=str(first)), 410, "events_deleted")
