"""Many at once, on real connections: no deadlock is shown, nothing comes twice, nothing is lost."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from contacts.models import Contact, ContactGroup
from http_api import clock
from licenses.models import DailyUsage
from messaging import inserts
from messaging.drafts import Draft, to_message
from messaging.models import Batch, Message, OptOut
from messaging.services import batches
from tests.conftest import Api, Tenant, in_threads, pair_phone, while_uncommitted

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/messages/"
BULK = "/api/messages/bulk/"
CONTACTS = "/api/contacts/contacts/"


def item(external_id: str) -> dict[str, Any]:
    return {"external_id": external_id, "phone": "+48123456789", "message": external_id}


def post(path: str, body: Any, **headers: str) -> Any:
    return Api().post(path, body, **headers)


@pytest.mark.parametrize("limit", [None, 10_000])
def test_the_same_external_id_from_16_threads_is_accepted_once(
    tenant: Tenant, limit: int | None
) -> None:
    tenant.set_rules(max_daily_sms=limit)
    work = [partial(post, URL, tenant.message(message=f"text {n}")) for n in range(16)]
    answers = in_threads(work, 16)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 400: 15}
    codes = {answer.json()["code"] for answer in answers if answer.status_code == 400}
    assert codes == {"duplicate_external_id"}
    accepted = next(answer.json() for answer in answers if answer.status_code == 201)
    assert Message.objects.get().text == accepted["message"]


@pytest.mark.parametrize("limit", [None, 10_000])
def test_overlapping_bulks_in_different_order_create_each_message_once(
    tenant: Tenant, limit: int | None
) -> None:
    """Singles of the same ids run against them; some requests carry an Idempotency-Key."""
    tenant.set_rules(max_daily_sms=limit)
    ids = [f"a-{number}" for number in range(120)]
    work: list[Callable[[], Any]] = []
    for number in range(16):
        order = random.sample(ids, k=80)
        body = tenant.bulk([item(external_id) for external_id in order])
        headers = {"Idempotency_Key": f"k-{number}"} if number % 2 else {}
        work.append(partial(post, BULK, body, **headers))
        for external_id in order[:4]:
            work.append(partial(post, URL, tenant.message(external_id), **headers))
    # the rest, so that every id was asked for
    work.append(partial(post, BULK, tenant.bulk([item(external_id) for external_id in ids])))
    answers = in_threads(work, 16)
    created = 0
    for answer in answers:
        body = answer.json()
        if answer.status_code == 201:
            created += body.get("created_count", 1)
            assert {skip["reason"] for skip in body.get("skipped", [])} <= {"duplicate_external_id"}
        else:
            # 422: the single carries the key of the bulk, which is another route: never
            assert (answer.status_code, body["code"]) in {
                (400, "duplicate_external_id"),
                (409, "request_in_progress"),
                (422, "idempotency_key_reused"),
            }
    assert Counter(Message.objects.values_list("external_id", flat=True)) == Counter(ids)
    assert created == len(ids)


@pytest.mark.parametrize("limit", [None, 10_000])
def test_a_group_whose_duplicate_is_just_being_committed_counts_and_inserts_no_more_than_it_says(
    tenant: Tenant, other_tenant: Tenant, limit: int | None
) -> None:
    def insert_of(whose: Tenant, external_id: str) -> inserts.Insert:
        now = clock.now()
        draft = Draft(phone="+48123456789", text="x", external_id=external_id)
        return inserts.Insert(to_message(whose.sender, draft, now), limit, now.date())

    def group() -> list[int | None] | None:
        rows = [
            insert_of(tenant, "new"),
            insert_of(tenant, "same"),
            insert_of(other_tenant, "same"),
        ]
        try:
            return inserts.insert_all(rows, may_wait=False)
        except inserts.Raced:
            return None

    single = insert_of(tenant, "same")._replace(max_daily_sms=None)
    _, answer = while_uncommitted(lambda: inserts.insert(single), group)
    used = dict(DailyUsage.objects.values_list("account_id", "used"))
    if limit is None:
        assert answer == [0, None, 0]
        assert (Message.objects.count(), used) == (3, {})
    else:  # its count cannot be taken back alone
        assert answer is None
        assert (Message.objects.count(), used) == (1, {})


def test_groups_that_make_the_same_batches_never_wait_for_each_other_in_a_circle(
    tenant: Tenant,
) -> None:
    def group(*batch_ids: str) -> list[int | None]:
        rows = []
        for batch_id in batch_ids:
            now = clock.now()
            message = to_message(tenant.sender, Draft("+48123456789", batch_id), now)
            batch = batches.prepare(tenant.sender, Batch(dialect="test", external_id=batch_id))
            rows.append(inserts.Insert(message, None, now.date(), batch))
        return inserts.insert_all(rows, may_wait=False)

    answers = while_uncommitted(partial(group, "a"), partial(group, "b", "a"), partial(group, "b"))
    assert answers == [[0], [None, None]]


def test_singles_that_slip_into_a_bulk_are_its_duplicates(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often one commits between its look and its insert."""
    insert = Message.objects.bulk_create
    slipped: list[int] = []

    def slow(messages: Any, *arguments: Any, **named: Any) -> Any:
        if len(slipped) < 8:
            single = partial(post, URL, tenant.message(f"a-{len(slipped)}"))
            slipped.extend(answer.status_code for answer in in_threads([single], 1))
        return insert(messages, *arguments, **named)

    monkeypatch.setattr(Message.objects, "bulk_create", slow)
    answer = post(BULK, tenant.bulk([item(f"a-{number}") for number in range(10)]))
    assert slipped == [201] * 8
    assert answer.status_code == 201, answer.content
    assert answer.json()["created_count"] == 2
    assert [skip["index"] for skip in answer.json()["skipped"]] == list(range(8))
    assert Message.objects.count() == 10


def test_overlapping_contact_bulks_make_each_contact_group_and_message_once(
    tenant: Tenant,
) -> None:
    numbers = [f"+486001002{number:02}" for number in range(60)]
    work = []
    for _ in range(12):
        people = [
            {
                "name": f"Name {phone}",
                "phone": phone,
                "group_name": f"Group {index % 5}",
                "message": "Hi {name}",
                "send_after": "2099-01-01T10:00:00",
            }
            for index, phone in enumerate(random.sample(numbers, k=40))
        ]
        work.append(partial(post, f"{CONTACTS}bulk/", tenant.with_keys(contacts=people)))
        work.append(partial(post, CONTACTS, tenant.with_keys(**people[0])))
    answers = in_threads(work, 16)
    assert {answer.status_code for answer in answers} <= {200, 201}
    people_known = list(Contact.objects.values_list("phone", flat=True))
    assert len(people_known) == len(set(people_known))
    assert sorted(ContactGroup.objects.values_list("name", flat=True)) == [
        f"Group {number}" for number in range(5)
    ]
    texted = Counter(Message.objects.values_list("phone", flat=True))
    assert texted == dict.fromkeys(people_known, 1)
    bulks = [answer.json() for answer in answers[::2]]
    singles = [answer.json() for answer in answers[1::2]]
    made = sum(bulk["created_count"] for bulk in bulks) + sum(one["created"] for one in singles)
    assert made == len(people_known)


def test_groups_made_at_once_are_made_once(tenant: Tenant) -> None:
    names = [f"Group {number}" for number in range(20)]
    work = [
        partial(
            post,
            "/api/contacts/groups/bulk/",
            tenant.with_keys(groups=[{"name": name} for name in random.sample(names, k=20)]),
        )
        for _ in range(16)
    ]
    answers = [answer.json()["groups"] for answer in in_threads(work, 16)]
    assert ContactGroup.objects.count() == 20
    statuses = Counter(group["status"] for groups in answers for group in groups)
    assert statuses == {"created": 20, "existed": 15 * 20}
    assert all(len({group["id"] for group in groups}) == 20 for groups in answers)


def test_opting_out_while_messages_arrive_lets_none_reach_a_phone(tenant: Tenant) -> None:
    phone = pair_phone(tenant)
    opt_out = {"license__key": tenant.keys.license_key, "phone": "+48123456789"}
    work: list[Callable[[], Any]] = [
        partial(post, URL, tenant.message(f"a-{number}")) for number in range(40)
    ]
    work[20:20] = [partial(post, "/api/opt-outs/", opt_out)] * 4
    answers = in_threads(work, 12)
    assert Counter(answer.status_code for answer in answers[20:24]) == {201: 1, 200: 3}
    assert {answer.status_code for answer in answers} <= {200, 201, 400}
    assert OptOut.objects.count() == 1
    claim = {"claim_id": str(uuid4()), "capacity": 50}
    synced = post("/companion/sync/", claim, **phone.headers)
    assert synced.json()["messages"] == []
    assert not Message.objects.exclude(status="cancelled").exists()


def test_an_opt_out_asks_back_what_a_phone_was_just_claiming(tenant: Tenant) -> None:
    """It waits for the claim that holds the message, and then sees it leased."""
    phone = pair_phone(tenant)
    message_id = post(URL, tenant.message()).json()["id"]
    claim = {"claim_id": str(uuid4()), "capacity": 50}
    opt_out = {"license__key": tenant.keys.license_key, "phone": "+48123456789"}
    claimed, opted_out = while_uncommitted(
        partial(post, "/companion/sync/", claim, **phone.headers),
        partial(post, "/api/opt-outs/", opt_out),
    )
    assert [message["message_id"] for message in claimed.json()["messages"]] == [message_id]
    assert opted_out.status_code == 201
    held = {"capacity": 0, "held": [{"message_id": message_id, "attempt": 1}]}
    assert post("/companion/sync/", held, **phone.headers).json()["cancel"] == [message_id]


def test_a_message_cancelled_by_many_is_cancelled_once(tenant: Tenant) -> None:
    message_id = post(URL, tenant.message()).json()["id"]
    work = [partial(Api().delete, f"{URL}{message_id}/", tenant) for _ in range(8)]
    assert {answer.status_code for answer in in_threads(work, 8)} == {200}
    timeline = Api().get(f"{URL}{message_id}/", tenant).json()["timeline"]
    assert [change["to"] for change in timeline] == ["cancelled"]
