"""GET and DELETE /api/messages/…, resolve, timeline, cursor pages."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.db import connection

from licenses import services
from messaging import selectors
from messaging.models import Attempt, Message
from messaging.selectors import MessageFilter
from messaging.states import MessageState
from tests.conftest import Api, ManualClock, Phone, Tenant, pair_phone, refused

URL = "/api/messages/"
LISTS = [URL, "/api/inbox/", "/api/opt-outs/"]


def created(api: Api, tenant: Tenant, external_id: str = "a-1", **fields: Any) -> int:
    response = api.post(URL, tenant.message(external_id, **fields))
    assert response.status_code == 201, response.content
    return int(response.json()["id"])


def synced(api: Api, phone: Phone, *events: dict[str, Any], capacity: int = 0) -> Any:
    body: dict[str, Any] = {"claim_id": str(uuid4()), "capacity": capacity, "events": events}
    response = api.post("/companion/sync/", body, **phone.headers)
    assert response.status_code == 200, response.content
    return response.json()


def event(kind: str, message_id: int, **fields: Any) -> dict[str, Any]:
    names = {"event_id": str(uuid4()), "type": kind, "message_id": message_id, "attempt": 1}
    return names | fields


def resolved(api: Api, tenant: Tenant, message_id: int, how: Any) -> Any:
    body = {"license__key": tenant.keys.license_key, "as": how}
    return api.post(f"{URL}{message_id}/resolve/", body)


@pytest.fixture
def uncertain(api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock) -> int:
    message_id = created(api, tenant)
    synced(api, phone, capacity=1)
    synced(api, phone, event("started", message_id))
    synced(api, phone, event("unknown", message_id))
    return message_id


def test_it_shows_a_message_and_what_became_of_it(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    message_id = created(api, tenant, message="Zażółć", send_before="2026-04-12T00:00:00")
    manual_clock.advance(seconds=1)
    synced(api, phone, capacity=1)
    manual_clock.advance(seconds=1)
    synced(api, phone, event("started", message_id))
    manual_clock.advance(seconds=1)
    synced(api, phone, event("part_sent", message_id, part=1, parts=1))
    manual_clock.advance(seconds=1)
    synced(api, phone, event("part_delivered", message_id, part=1, parts=1))
    for path in (f"{URL}{message_id}/", f"{URL}{message_id}"):
        response = api.get(path, tenant)
        assert response.status_code == 200
        assert response.json() == {
            "id": message_id,
            "external_id": "a-1",
            "phone": "+48123456789",
            "message": "Zażółć",
            "status": "delivered",
            "send_after": None,
            "created_at": "2026-04-09T14:32:00Z",
            "send_before": "2026-04-11T22:00:00Z",
            "priority": 10,
            "parts": 1,
            "encoding": "ucs2",
            "sent_at": "2026-04-09T14:32:03Z",
            "delivered_at": "2026-04-09T14:32:04Z",
            "failure_reason": None,
            "cancel_requested": False,
            "timeline": [
                {"from": "pending", "to": "leased", "at": "2026-04-09T14:32:01Z", "cause": "claim"},
                {
                    "from": "leased",
                    "to": "sending",
                    "at": "2026-04-09T14:32:02Z",
                    "cause": "attempt 1",
                },
                {
                    "from": "sending",
                    "to": "sent",
                    "at": "2026-04-09T14:32:03Z",
                    "cause": "attempt 1",
                },
                {
                    "from": "sent",
                    "to": "delivered",
                    "at": "2026-04-09T14:32:04Z",
                    "cause": "attempt 1",
                },
            ],
            "details_ended": False,
        }


def test_a_failure_says_why(api: Api, tenant: Tenant, phone: Phone) -> None:
    message_id = created(api, tenant)
    synced(api, phone, capacity=1)
    synced(api, phone, event("part_failed", message_id, part=1, parts=1, code="no_service"))
    shown = api.get(f"{URL}{message_id}/", tenant).json()
    assert (shown["status"], shown["failure_reason"]) == ("failed", "no_service")
    assert shown["sent_at"] is None


@pytest.mark.parametrize("send_after", [None, "2099-01-01T10:00:00"])
def test_what_waits_shows_as_pending(api: Api, tenant: Tenant, send_after: str | None) -> None:
    message_id = created(api, tenant, send_after=send_after)
    assert api.get(f"{URL}{message_id}/", tenant).json()["status"] == "pending"
    for status in ("pending", "scheduled"):
        [shown] = api.get(URL, tenant, status=status).json()["results"]
        assert (shown["id"], shown["status"]) == (message_id, "pending")


@pytest.mark.parametrize("message_id", ["0", "1", "999999999999999999"])
def test_an_unknown_id_is_404(api: Api, tenant: Tenant, message_id: str) -> None:
    refused(api.get(f"{URL}{message_id}/", tenant), 404, "not_found")
    refused(api.delete(f"{URL}{message_id}/", tenant), 404, "not_found")
    response = resolved(api, tenant, int(message_id), "sent")
    refused(response, 404, "not_found")


def test_the_key_may_stand_in_the_body_of_any_method(api: Api, tenant: Tenant) -> None:
    message_id = created(api, tenant)
    body = json.dumps({"license__key": tenant.keys.license_key})
    response = api.client.delete(f"{URL}{message_id}/", body, content_type="application/json")
    assert response.status_code == 200
    assert response.json()["status"] == "cancelled"


def test_a_key_in_the_url_is_no_key(api: Api, tenant: Tenant) -> None:
    query = {"license__key": tenant.keys.license_key}
    for path in (*LISTS, "/api/me/", f"{URL}1/"):
        refused(api.client.get(path, query), 400, "invalid", "license__key")


# --- lists -------------------------------------------------------------------------------------


def test_the_list_shows_the_newest_first(api: Api, tenant: Tenant) -> None:
    ids = [created(api, tenant, f"a-{number}") for number in range(3)]
    page = api.get(URL, tenant).json()
    assert list(page) == ["next", "results"]
    assert page["next"] is None
    assert [shown["id"] for shown in page["results"]] == ids[::-1]
    assert list(page["results"][0]) == [
        "id", "external_id", "phone", "message", "status", "send_after", "created_at",
        "send_before", "priority", "parts", "encoding", "sent_at", "delivered_at",
        "failure_reason", "cancel_requested",
    ]  # fmt: skip


def test_pages_together_show_each_message_once(api: Api, tenant: Tenant, settings: Any) -> None:
    settings.PUBLIC_URL = "https://sms.example.org"
    messages = [tenant.message(f"a-{number}") for number in range(250)]
    api.post("/api/messages/bulk/", tenant.bulk(messages))
    seen: list[str] = []
    path, query, sizes = URL, {"status": "pending", "phone": "+48123456789"}, []
    while path:
        page = api.get(path, tenant, **query).json()
        sizes.append(len(page["results"]))
        seen += [shown["external_id"] for shown in page["results"]]
        following = urlsplit(page["next"] or "")
        path = following.path
        query = {name: values[0] for name, values in parse_qs(following.query).items()}
        assert not path or page["next"].startswith("https://sms.example.org/api/messages/?")
        created(api, tenant, f"new-{len(seen)}")  # what is new does not shift the pages
    assert sizes == [100, 100, 50]
    assert seen == [f"a-{number}" for number in range(249, -1, -1)]


def test_several_external_ids_are_separated_by_commas(
    api: Api, tenant: Tenant, other_tenant: Tenant
) -> None:
    for name in ("a", "b", "c", "d,e", "d"):
        created(api, tenant, name)
    created(api, other_tenant, "a")

    def found(external_id: str) -> list[str]:
        response = api.get(URL, tenant, external_id=external_id)
        assert response.status_code == 200, response.content
        return [shown["external_id"] for shown in response.json()["results"]]

    assert found("a,b,x") == ["b", "a"]
    assert found(",a,,a,") == ["a"]
    assert found("d,e") == ["d,e"]  # an id with a comma is that one
    assert found("d,c") == ["d", "c"]
    assert found(",".join(["a", *map(str, range(199))])) == ["a"]


@pytest.mark.parametrize("ids", [",".join(map(str, range(201))), ",", "a," + "x" * 256, "x" * 256])
def test_too_many_or_too_long_external_ids_are_refused(api: Api, tenant: Tenant, ids: str) -> None:
    refused(api.get(URL, tenant, external_id=ids), 400, "invalid", "external_id")


RARE = [
    "pending",
    "leased",
    "sending",
    "uncertain",
    "undelivered",
    "failed",
    "expired",
    "cancelled",
]


@pytest.mark.parametrize("status", RARE)
@pytest.mark.parametrize("before_the_last", [0, 10_000])
def test_a_list_by_a_rare_state_does_not_walk_all_messages(
    tenant: Tenant, status: str, before_the_last: int
) -> None:
    sender = tenant.sender
    with connection.cursor() as database:
        database.execute(
            """
            INSERT INTO messaging_message (account_id, license_id, phone, text, priority, status,
                send_after_given, due_at, any_hour, on_uncertain, parts, encoding, attempt_n,
                cancel_requested, failure_reason, created_at, sent_at)
            SELECT %s, %s, '+48600100200', 'Hi', 10, 'delivered', '', now(), false, 'hold', 1, 'gsm7',
                1, false, '', now(), now()
            FROM generate_series(1, 20000)
            """,
            [sender.account_id, sender.license_id],
        )
        database.execute("ANALYZE messaging_message")
    cursor = Message.objects.latest("pk").pk + 1 - before_the_last
    wanted = MessageFilter(status=MessageState(status))
    found = selectors.messages(sender.account_id, wanted).filter(pk__lt=cursor).order_by("-pk")
    plan = found[:2].explain(analyze=True)
    assert "Rows Removed by Filter" not in plan, plan
    assert any(f"message_{name}" in plan for name in ("rare_state", "seldom", "claim")), plan


def test_next_can_be_followed_as_it_is(api: Api, tenant: Tenant) -> None:
    for number in range(3):
        created(api, tenant, f"a-{number}")
    first = api.get(URL, tenant, limit="1", phone="+48123456789").json()
    following = urlsplit(first["next"])
    second = api.client.get(f"{following.path}?{following.query}", headers=tenant.headers).json()
    assert [shown["external_id"] for shown in second["results"]] == ["a-1"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("name", ["limit", "cursor"])
@pytest.mark.parametrize(
    "value",
    ["0", "-1", "x", "1.0", "501x", "²", "٣", "9" * 30, "0" * 19 + "1999999"],
)
def test_a_broken_page_is_refused(
    api: Api, tenant: Tenant, path: str, name: str, value: str
) -> None:
    if (name, value) != ("cursor", "0"):  # the beginning
        refused(api.get(path, tenant, **{name: value}), 400, "invalid", name)


@pytest.mark.parametrize("path", LISTS)
def test_an_empty_limit_or_cursor_is_absent(api: Api, tenant: Tenant, path: str) -> None:
    """Programs with a form for the query send the fields that were left blank, too."""
    assert api.get(path, tenant, limit="", cursor="").json() == {"next": None, "results": []}


@pytest.mark.parametrize(("limit", "status"), [("1", 200), ("500", 200), ("501", 400)])
def test_a_page_has_1_to_500_rows(api: Api, tenant: Tenant, limit: str, status: int) -> None:
    assert api.get(URL, tenant, limit=limit).status_code == status


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["c", "b", "a"]),
        ({"external_id": "a"}, ["a"]),
        ({"external_id": "A"}, []),
        ({"phone": "+48600100200"}, ["b"]),
        ({"phone": "600 100 200"}, ["b"]),
        ({"status": "cancelled"}, ["c"]),
        ({"status": "pending"}, ["b", "a"]),
        ({"status": "sent"}, []),
        ({"since": "2026-04-09T16:32:00"}, ["c", "b", "a"]),
        ({"since": "2026-04-09T16:33:00"}, ["c", "b"]),
        ({"since": "2026-04-09T14:33:00Z"}, ["c", "b"]),
        ({"since": "2026-04-09T16:33:00+02:00"}, ["c", "b"]),
        ({"since": "2027-01-01T00:00:00"}, []),
        ({"since": "", "status": "", "phone": "", "external_id": ""}, ["c", "b", "a"]),
        ({"external_id": "b", "status": "cancelled"}, []),
    ],
)
def test_the_list_is_filtered(
    api: Api, tenant: Tenant, manual_clock: ManualClock, query: dict[str, str], found: list[str]
) -> None:
    created(api, tenant, "a")
    manual_clock.advance(minutes=1)
    created(api, tenant, "b", phone="+48600100200")
    last = created(api, tenant, "c")
    api.delete(f"{URL}{last}/", tenant)
    page = api.get(URL, tenant, **query).json()
    assert [shown["external_id"] for shown in page["results"]] == found


def test_an_eaten_plus_in_the_query_is_put_back(api: Api, tenant: Tenant) -> None:
    created(api, tenant, phone="+4915112345678")
    response = api.client.get(f"{URL}?phone=+4915112345678", headers=tenant.headers)
    assert len(response.json()["results"]) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("phone", "x"),
        ("status", "unknown"),
        ("status", "Pending"),
        ("since", "yesterday"),
        ("since", "9999-12-31T23:59:59Z"),
        ("external_id", "x" * 256),
    ],
)
def test_a_broken_filter_is_refused(api: Api, tenant: Tenant, name: str, value: str) -> None:
    refused(api.get(URL, tenant, **{name: value}), 400, "invalid", name)


@pytest.mark.parametrize("name", ["external_id", "phone", "status", "since", "cursor", "x"])
def test_a_nul_in_the_query_is_refused(api: Api, tenant: Tenant, name: str) -> None:
    refused(api.get(URL, tenant, **{name: "a\0b"}), 400, "malformed")


def test_the_list_shows_all_licences_of_the_account(api: Api, tenant: Tenant) -> None:
    _, key = services.add_license(tenant.account)
    mine = created(api, tenant)
    theirs = created(api, tenant, license__key=key)
    ids = [shown["id"] for shown in api.get(URL, tenant).json()["results"]]
    assert ids == [theirs, mine]
    assert api.get(f"{URL}{theirs}/", tenant).status_code == 200


def test_a_page_costs_three_queries(
    api: Api, tenant: Tenant, django_assert_num_queries: Any
) -> None:
    api.post("/api/messages/bulk/", tenant.bulk([tenant.message(f"{n}") for n in range(50)]))
    with django_assert_num_queries(3):
        api.get(URL, tenant)


# --- cancel ------------------------------------------------------------------------------------


@pytest.mark.parametrize("send_after", [None, "2099-01-01T10:00:00"])
def test_what_waits_is_cancelled(
    api: Api, tenant: Tenant, phone: Phone, send_after: str | None
) -> None:
    message_id = created(api, tenant, send_after=send_after)
    for _ in range(2):  # again: the same
        response = api.delete(f"{URL}{message_id}/", tenant)
        assert response.status_code == 200
        shown = response.json()
        assert (shown["status"], shown["failure_reason"]) == ("cancelled", "cancelled")
    assert synced(api, phone, capacity=5)["messages"] == []
    [change] = api.get(f"{URL}{message_id}/", tenant).json()["timeline"]
    assert (change["to"], change["cause"]) == ("cancelled", "owner")


def test_what_a_phone_holds_is_asked_back(api: Api, tenant: Tenant, phone: Phone) -> None:
    message_id = created(api, tenant)
    synced(api, phone, capacity=1)
    for _ in range(2):
        response = api.delete(f"{URL}{message_id}/", tenant)
        assert response.status_code == 202
        shown = response.json()
        assert (shown["status"], shown["cancel_requested"]) == ("leased", True)
    synced(api, phone, event("released", message_id))
    response = api.delete(f"{URL}{message_id}/", tenant)
    assert response.status_code == 200
    assert response.json()["status"] == "cancelled"


def test_what_was_started_cannot_be_cancelled(api: Api, tenant: Tenant, phone: Phone) -> None:
    message_id = created(api, tenant)
    synced(api, phone, capacity=1)
    for report in (event("started", message_id), event("part_sent", message_id, part=1, parts=1)):
        synced(api, phone, report)
        refused(api.delete(f"{URL}{message_id}/", tenant), 409, "conflict")
    assert Message.objects.get().status == "sent"


def test_cancelling_gives_no_allowance_back(api: Api, tenant: Tenant) -> None:
    tenant.set_rules(max_daily_sms=1)
    message_id = created(api, tenant)
    assert api.delete(f"{URL}{message_id}/", tenant).status_code == 200
    refused(api.post(URL, tenant.message("a-2")), 403, "daily_limit_exceeded")


def test_a_cancelled_external_id_stays_taken(api: Api, tenant: Tenant) -> None:
    message_id = created(api, tenant)
    api.delete(f"{URL}{message_id}/", tenant)
    refused(api.post(URL, tenant.message()), 400, "duplicate_external_id", "external_id")


# --- resolve -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "status", "reason"),
    [("sent", "sent", None), ("again", "pending", None), ("given_up", "failed", "given_up")],
)
def test_an_uncertain_message_is_resolved_by_its_owner(
    api: Api, tenant: Tenant, uncertain: int, how: str, status: str, reason: str | None
) -> None:
    assert api.get(f"{URL}{uncertain}/", tenant).json()["status"] == "uncertain"
    response = resolved(api, tenant, uncertain, how)
    assert response.status_code == 200
    shown = response.json()
    assert (shown["status"], shown["failure_reason"]) == (status, reason)
    assert shown["sent_at"] == ("2026-04-09T14:32:00Z" if how == "sent" else None)
    last = api.get(f"{URL}{uncertain}/", tenant).json()["timeline"][-1]
    assert (last["from"], last["cause"]) == ("uncertain", f"owner: {how}")
    refused(resolved(api, tenant, uncertain, how), 409, "conflict")


def test_resolved_as_again_a_phone_gets_it_again(
    api: Api, tenant: Tenant, phone: Phone, uncertain: int
) -> None:
    resolved(api, tenant, uncertain, "again")
    [handed] = synced(api, phone, capacity=5)["messages"]
    assert (handed["message_id"], handed["attempt"]) == (uncertain, 2)
    assert list(Attempt.objects.order_by("n").values_list("is_superseded", flat=True)) == [
        True,
        False,
    ]


@pytest.mark.parametrize("how", ["", "delivered", "SENT", None, 1, ["sent"], {}])
def test_it_is_resolved_only_in_three_ways(
    api: Api, tenant: Tenant, uncertain: int, how: Any
) -> None:
    body = refused(resolved(api, tenant, uncertain, how), 400, "invalid", "as")
    assert how is None or "given_up" in body["message"]


def test_what_is_not_uncertain_cannot_be_resolved(api: Api, tenant: Tenant) -> None:
    message_id = created(api, tenant)
    body = refused(resolved(api, tenant, message_id, "sent"), 409, "conflict")
    assert "pending" in body["message"]


def test_no_message_tells_how_it_waits(api: Api, tenant: Tenant) -> None:
    """`scheduled` shows as `pending` in words too."""
    message_id = created(api, tenant, send_after="2099-01-01T10:00:00")
    body = refused(resolved(api, tenant, message_id, "sent"), 409, "conflict")
    assert "scheduled" not in body["message"]


def test_an_uncertain_message_can_be_listed(
    api: Api, tenant: Tenant, phone: Phone, uncertain: int
) -> None:
    page = api.get(URL, tenant, status="uncertain").json()
    assert [shown["id"] for shown in page["results"]] == [uncertain]


def test_a_second_phone_does_not_change_what_is_shown(
    api: Api, tenant: Tenant, phone: Phone
) -> None:
    message_id = created(api, tenant)
    synced(api, phone, capacity=1)
    synced(api, pair_phone(tenant, "install-2"), event("started", message_id))
    assert api.get(f"{URL}{message_id}/", tenant).json()["status"] == "leased"


def test_an_unknown_state_is_told_which_there_are(api: Api, tenant: Tenant) -> None:
    [problem] = api.get(URL, tenant, status="gone").json()["errors"]["status"]
    assert problem.startswith("must be 'scheduled', 'pending'")
