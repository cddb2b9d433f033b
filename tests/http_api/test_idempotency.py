"""`Idempotency-Key`: replays, refusals, and what is never kept."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from contacts import services as contact_services
from contacts.models import Contact, ContactGroup
from http_api.models import IdempotencyRecord
from licenses.models import ApiKey, DailyUsage
from messaging import inserts
from messaging.models import Message, OptOut
from tests.conftest import Api, ManualClock, Tenant, in_threads, refused

URL = "/api/messages/"
BULK = "/api/messages/bulk/"
CONTACTS = "/api/contacts/contacts/"
GROUPS = "/api/contacts/groups/"
HOOKS = "/api/webhooks/"


def requests(tenant: Tenant) -> list[tuple[str, dict[str, Any]]]:
    """One of every documented POST that succeeds."""
    keys = tenant.with_keys()
    person = {"name": "Jan", "phone": "+48123456789"}
    return [
        (URL, tenant.message()),
        (BULK, tenant.bulk([tenant.message("b-1"), tenant.message("b-2")])),
        (CONTACTS, keys | person),
        ("/api/contacts/contacts/bulk/", keys | {"contacts": [person]}),
        (GROUPS, keys | {"name": "VIP"}),
        ("/api/contacts/groups/bulk/", keys | {"groups": [{"name": "New"}]}),
        ("/api/opt-outs/", {"license__key": tenant.keys.license_key, "phone": "+48600100200"}),
    ]


@pytest.mark.parametrize("number", range(7))
def test_the_same_request_again_gets_the_first_answer(
    api: Api, tenant: Tenant, number: int
) -> None:
    path, body = requests(tenant)[number]
    first = api.post(path, body, Idempotency_Key="k-1")
    counts = [Message.objects.count(), Contact.objects.count(), ContactGroup.objects.count()]
    for again in (path, path.rstrip("/")):
        second = api.post(again, body, Idempotency_Key="k-1")
        assert (second.status_code, second.content) == (first.status_code, first.content)
        assert second["Idempotent-Replayed"] == "true"
    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first
    after = [Message.objects.count(), Contact.objects.count(), ContactGroup.objects.count()]
    assert after == counts


def test_nothing_of_an_answer_can_be_read_in_the_database(api: Api, tenant: Tenant) -> None:
    for path, body in requests(tenant):
        first = api.post(path, body, Idempotency_Key="k")
        stored = IdempotencyRecord.objects.latest("pk").answer
        values = [value for value in re.findall(rb'[^"{}:,\[\]]+', first.content) if len(value) > 3]
        assert values
        assert not [value for value in values if value.decode() in stored]


def test_what_makes_a_secret_makes_it_once_and_keeps_it_sealed(api: Api, tenant: Tenant) -> None:
    headers = tenant.headers | {"Idempotency-Key": "k"}
    made = api.post(HOOKS, {"url": "https://example.com/"}, **headers).json()
    rotate = f"{HOOKS}{made['id']}/rotate/"
    rotated = api.post(rotate, {}, **headers).json()
    for path, body, first in (
        (HOOKS, {"url": "https://example.com/"}, made),
        (rotate, {}, rotated),
    ):
        again = api.post(path, body, **headers)
        assert again["Idempotent-Replayed"] == "true"
        assert again.json() == first
    assert api.get(f"{HOOKS}{made['id']}/", tenant).json()["secret"] == rotated["secret"]
    for stored in IdempotencyRecord.objects.values_list("answer", flat=True):
        assert made["secret"] not in stored
        assert rotated["secret"] not in stored


def test_an_answer_that_an_older_release_kept_plain_is_replayed(api: Api, tenant: Tenant) -> None:
    first = api.post(URL, tenant.message(), Idempotency_Key="k")
    IdempotencyRecord.objects.update(answer=first.content.decode())
    again = api.post(URL, tenant.message(), Idempotency_Key="k")
    assert (again.status_code, again.content) == (201, first.content)


def test_without_the_header_nothing_is_kept(api: Api, tenant: Tenant) -> None:
    for path, body in requests(tenant):
        api.post(path, body)
        api.post(path, body, Idempotency_Key="")
    assert not IdempotencyRecord.objects.exists()


def test_another_body_is_refused(api: Api, tenant: Tenant) -> None:
    api.post(URL, tenant.message("a-1"), Idempotency_Key="k-1")
    response = api.post(URL, tenant.message("a-2"), Idempotency_Key="k-1")
    refused(response, 422, "idempotency_key_reused")
    assert Message.objects.count() == 1


def test_a_repeated_form_may_draw_a_new_boundary(api: Api, tenant: Tenant) -> None:
    def post(boundary: str) -> Any:
        parts = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in tenant.message().items()
        )
        body = f"{parts}--{boundary}--\r\n"
        kind = f"multipart/form-data; boundary={boundary}"
        return api.raw(URL, body.encode(), kind, Idempotency_Key="k-1")

    first, second = post("one"), post("two")
    assert (second.status_code, second.content) == (201, first.content)
    assert Message.objects.count() == 1


def test_keys_are_told_apart_by_case_licence_and_route(
    api: Api, tenant: Tenant, other_tenant: Tenant
) -> None:
    assert api.post(URL, tenant.message("a-1"), Idempotency_Key="k").status_code == 201
    assert api.post(URL, tenant.message("a-2"), Idempotency_Key="K").status_code == 201
    assert api.post(URL, other_tenant.message("a-1"), Idempotency_Key="k").status_code == 201
    bulk = tenant.bulk([tenant.message("a-3")])
    assert api.post(BULK, bulk, Idempotency_Key="k").status_code == 201
    assert Message.objects.count() == 4


def test_a_replay_does_not_open_the_door_to_another_key(
    api: Api, tenant: Tenant, other_tenant: Tenant
) -> None:
    api.post(URL, tenant.message(), Idempotency_Key="k")
    wrong = tenant.message() | {"license__key": "ABCDEF"}
    refused(api.post(URL, wrong, Idempotency_Key="k"), 404, "license_not_found")


def test_a_refusal_of_the_request_itself_is_kept(api: Api, tenant: Tenant) -> None:
    bad = tenant.message(phone="nonsense")
    first = api.post(URL, bad, Idempotency_Key="k-1")
    second = api.post(URL, bad, Idempotency_Key="k-1")
    refused(second, 400, "invalid", "phone")
    assert second.content == first.content
    assert second["Idempotent-Replayed"] == "true"


def test_the_key_may_have_255_characters(api: Api, tenant: Tenant) -> None:
    assert api.post(URL, tenant.message("a-1"), Idempotency_Key="k" * 255).status_code == 201
    refused(api.post(URL, tenant.message("a-2"), Idempotency_Key="k" * 256), 400, "invalid")
    assert Message.objects.count() == 1


def test_after_24_hours_the_key_is_free(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    api.post(URL, tenant.message("a-1"), Idempotency_Key="k")
    manual_clock.advance(hours=23, minutes=59)
    refused(
        api.post(URL, tenant.message("a-2"), Idempotency_Key="k"), 422, "idempotency_key_reused"
    )
    manual_clock.advance(minutes=1)
    assert api.post(URL, tenant.message("a-2"), Idempotency_Key="k").status_code == 201
    replay = api.post(URL, tenant.message("a-2"), Idempotency_Key="k")
    assert replay["Idempotent-Replayed"] == "true"
    assert IdempotencyRecord.objects.count() == 1


def test_the_daily_limit_is_not_kept(api: Api, tenant: Tenant) -> None:
    tenant.set_rules(max_daily_sms=0)
    refused(api.post(URL, tenant.message(), Idempotency_Key="k"), 403, "daily_limit_exceeded")
    assert not IdempotencyRecord.objects.exists()
    tenant.set_rules(max_daily_sms=1)
    assert api.post(URL, tenant.message(), Idempotency_Key="k").status_code == 201


def test_a_wrong_key_is_not_kept(api: Api, tenant: Tenant) -> None:
    ApiKey.objects.update(is_active=False)
    body = tenant.with_keys(name="VIP")
    refused(api.post(GROUPS, body, Idempotency_Key="k"), 401, "invalid_key")
    ApiKey.objects.update(is_active=True)
    assert api.post(GROUPS, body, Idempotency_Key="k").status_code == 201


def test_a_throttled_request_is_not_kept(
    api: Api, tenant: Tenant, manual_clock: ManualClock, settings: Any
) -> None:
    settings.LICENSE_RATE_PER_MINUTE = 1
    for number in range(2):
        api.post(URL, tenant.message(f"a-{number}"))
    response = api.post(URL, tenant.message("b"), Idempotency_Key="k")
    refused(response, 429, "too_many_requests")
    manual_clock.advance(minutes=1)
    assert api.post(URL, tenant.message("b"), Idempotency_Key="k").status_code == 201


@pytest.fixture
def broken_group(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Contacts: something crashes after the contact was written."""

    def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError("crash")

    with monkeypatch.context() as patch:
        patch.setattr(contact_services, "_queue_one", crash)
        yield patch


def test_a_crash_leaves_nothing_behind(
    api: Api, tenant: Tenant, broken_group: pytest.MonkeyPatch
) -> None:
    body = tenant.with_keys(
        name="Jan",
        phone="+48123456789",
        group_name="VIP",
        message="Hi",
        send_after="2099-01-01T10:00",
    )
    assert api.post(CONTACTS, body, Idempotency_Key="k").status_code == 500
    assert not Contact.objects.exists()
    assert not ContactGroup.objects.exists()
    assert not IdempotencyRecord.objects.exists()
    broken_group.undo()
    assert api.post(CONTACTS, body, Idempotency_Key="k").status_code == 201


def test_what_a_refused_request_wrote_is_undone(api: Api, tenant: Tenant) -> None:
    """The answer is kept, the half-done work is not."""
    body = tenant.with_keys(
        name="Jan",
        phone="+48123456789",
        group_name="VIP",
        message="x" * 5000,
        send_after="2099-01-01T10:00",
    )
    response = api.post(CONTACTS, body, Idempotency_Key="k")
    refused(response, 400, "invalid", "message")
    assert not Contact.objects.exists()
    assert not ContactGroup.objects.exists()
    assert IdempotencyRecord.objects.count() == 1


def test_an_answer_without_a_body_is_replayed(api: Api, tenant: Tenant) -> None:
    OptOut.objects.create(
        account=tenant.account, phone="+48123456789", source="api", created_at="2026-04-09T10:00Z"
    )
    path = "/api/opt-outs/+48123456789/"
    headers = tenant.headers | {"Idempotency-Key": "k"}
    for _ in range(2):
        response = api.client.delete(path, headers=headers)
        assert (response.status_code, response.content) == (204, b"")


def test_the_same_key_for_another_message_is_refused(api: Api, tenant: Tenant) -> None:
    """The path is part of the request: nobody is told that the wrong message was cancelled."""
    first, second = (api.post(URL, tenant.message(f"a-{n}")).json()["id"] for n in range(2))
    headers = tenant.headers | {"Idempotency-Key": "k"}
    assert api.client.delete(f"{URL}{first}/", headers=headers).status_code == 200
    assert api.client.delete(f"{URL}{first}", headers=headers).status_code == 200
    response = api.client.delete(f"{URL}{second}/", headers=headers)
    refused(response, 422, "idempotency_key_reused")
    assert Message.objects.get(pk=second).status == "pending"


@pytest.mark.django_db(transaction=True)
def test_it_answers_409_while_the_first_one_runs(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_running, may_end = threading.Event(), threading.Event()
    insert = inserts.insert

    def slow(*arguments: Any, **named: Any) -> Any:
        result = insert(*arguments, **named)
        is_running.set()
        assert may_end.wait(20)
        return result

    monkeypatch.setattr(inserts, "insert", slow)

    def first() -> Any:
        return Api().post(URL, tenant.message(), Idempotency_Key="k")

    def second() -> Any:
        assert is_running.wait(20)
        try:
            return Api().post(URL, tenant.message(), Idempotency_Key="k")
        finally:
            may_end.set()

    one, two = in_threads([first, second], 2)
    assert one.status_code == 201
    refused(two, 409, "request_in_progress")
    assert two["Retry-After"] == "1"
    monkeypatch.undo()
    replay = Api().post(URL, tenant.message(), Idempotency_Key="k")
    assert (replay.status_code, replay.content) == (201, one.content)


@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_in_the_middle_leaves_nothing(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = inserts.insert

    def killed(*arguments: Any, **named: Any) -> Any:
        insert(*arguments, **named)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(inserts, "insert", killed)
    [response] = in_threads([lambda: Api().post(URL, tenant.message(), Idempotency_Key="k")], 1)
    assert response.status_code >= 500
    assert not Message.objects.exists()
    assert not IdempotencyRecord.objects.exists()
    monkeypatch.undo()
    assert Api().post(URL, tenant.message(), Idempotency_Key="k").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_works_and_the_others_replay_or_wait(tenant: Tenant) -> None:
    tenant.set_rules(max_daily_sms=100)

    def post() -> Any:
        return Api().post(URL, tenant.message(), Idempotency_Key="k")

    answers = in_threads([post] * 16, 8)
    assert {answer.status_code for answer in answers} <= {201, 409}
    worked = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.content for answer in worked}) == 1
    assert sum("Idempotent-Replayed" not in answer for answer in worked) == 1
    assert Message.objects.count() == 1
    assert DailyUsage.objects.get().used == 1


@pytest.mark.django_db(transaction=True)
def test_a_lock_that_is_held_elsewhere_blocks_only_its_own_key(tenant: Tenant) -> None:
    started, may_end = threading.Event(), threading.Event()

    def hold() -> int:
        with transaction.atomic():
            response = Api().post(URL, tenant.message("a-1"), Idempotency_Key="one")
            started.set()
            assert may_end.wait(20)
        return int(response.status_code)

    def other() -> int:
        assert started.wait(20)
        try:
            return int(Api().post(URL, tenant.message("a-2"), Idempotency_Key="two").status_code)
        finally:
            may_end.set()

    assert in_threads([hold, other], 2) == [201, 201]
