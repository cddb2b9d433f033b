"""Somebody who is erased is in no table any more, under no spelling of their number."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from cryptography.exceptions import InvalidTag
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction

from contacts import imports
from contacts.models import Contact, Import, ImportProblem, UnreadableContact
from contacts.services import Consent
from contacts.tasks import run_imports
from http_api import idempotency, pagination
from http_api.errors import ApiError
from licenses import tokens
from licenses.models import Token
from members import audit
from messaging.models import Batch, Erasure, InboundMessage, Message, OptOut, Thread
from messaging.selectors import MessageFilter
from messaging.services import exports, opt_outs
from messaging.states import MessageState
from messaging.tasks import doubt_expired_leases, write_exports
from outbox.models import Event
from privacy import erasing
from privacy.tasks import erase_people
from tests.conftest import Api, ManualClock, Phone, Tenant, pair_phone, refused
from tests.console.conftest import person
from tests.delivery import Wire, accept, event, sent
from tests.messaging.test_inbox import receive
from webhooks import endpoints, publishing

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sms_kept")]

PHONE = "+48733914275"
OTHER = "+48733914276"
SECRET = "Zażółć 4711 to nobody else"
DIGITS = "733914275"
SENT = f"sent {SECRET}"


def held(value: Any) -> bool:
    """Say whether a column holds the number or one of the texts, however written or compressed."""
    if isinstance(value, bytes | memoryview):
        data = bytes(value)
        with suppress(zlib.error):
            data = zlib.decompress(data)
        value = data.decode("utf-8", "replace")
    elif not isinstance(value, str):
        value = json.dumps(value, default=str, ensure_ascii=False)
    plain = re.sub(r"[\s().\-/\u00a0]", "", value)
    return DIGITS in plain or SECRET.replace(" ", "") in plain


def tables_that_hold_it() -> set[str]:
    """Look into every column of every table there is."""
    found = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT * FROM "{table}"')
            names = [column.name for column in cursor.description or ()]
            for row in cursor.fetchall():
                whole = dict(zip(names, row, strict=True))
                if any(map(held, (*row, *_opened(table, whole)))):
                    found.add(table)
    return found


def _opened(table: str, row: dict[str, Any]) -> Iterator[str]:
    if table == "http_api_idempotencyrecord":
        name = f"{row['scope']} {row['route']} {row['key']}"
        try:
            yield idempotency._unseal(name, row["answer"])
        except InvalidTag:
            pytest.fail("an answer opens no more")


def everywhere(api: Api, tenant: Tenant, phone: Phone) -> None:
    """Somebody who is in everything that an account has, each time written otherwise."""
    account, keys = tenant.account, tenant.with_keys()
    endpoints.subscribe(
        tenant.sender, "https://example.org/", name="n8n", event_types=[], only_license=False
    )
    headers = tenant.headers
    with_key = {"Idempotency_Key": "key-1"} | headers
    body = tenant.message("order/48 733 914 275/1", phone="733-914-275", message=SENT)
    assert api.post("/api/messages/", body, **with_key).status_code == 201
    api.post("/api/opt-outs/", {"phone": OTHER}, Idempotency_Key="k-0048733914275", **headers)
    url = "https://example.org/told?to=48733914275"
    later = {"send_after": "2036-01-01T10:00:00", "message": f"later {SECRET}"}
    answer = api.post(
        "/api/messages/", tenant.message("a-2", phone=PHONE, callback_url=url, **later)
    )
    assert answer.status_code == 201, answer.content
    contact = {"name": "Anna", "phone": PHONE, "fields": {"tel": "733914275"}} | later
    assert api.post("/api/contacts/contacts/", keys | contact).status_code == 201
    batch = Batch.objects.create(
        account=account, license=tenant.license, dialect="sms-by", text=SENT, name=PHONE,
        external_id="48733914275", details={"to": ["0 733 914 275"]}, created_at=account.created_at,
    )  # fmt: skip
    row = Message.objects.get(external_id="a-2")
    Message.objects.bulk_create([_copy(row, batch_id=batch.pk, external_id="b-1", text=SENT)])
    receive(api, phone, f"heard {SECRET}", PHONE)
    receive(api, phone, f"heard {SECRET}", "SHOP 733914275")
    Thread.objects.filter(phone=PHONE).update(unread=3)
    UnreadableContact.objects.create(
        account=account, phone="733 914275 w", name="Anna", created_at=account.created_at
    )
    _import(account.pk, f"733914275;Anna;{SECRET}\nabc;48 733 914 275;x\n", "run")
    _import(account.pk, f"600100200;Jan\n(733) 914-275;Anna;{SECRET}\n", "keep")
    exports.ask(account.pk, MessageFilter(phones=(PHONE,)))
    write_exports()
    tokens.issue(Token.Kind.HOOK, tenant.keys.license_id, alert_phones=[PHONE])
    tokens.issue(Token.Kind.HOOK, tenant.keys.license_id, alert_phones=[PHONE, OTHER])
    publishing.publish(account.pk)
    LogEntry.objects.create(
        user=person("root", is_superuser=True), action_flag=CHANGE, object_repr=f"Anna {PHONE}",
        content_type=ContentType.objects.get_for_model(Contact),
        object_id=str(Contact.objects.get(phone=PHONE).pk),
    )  # fmt: skip


def _copy(row: Message, **changed: Any) -> Message:
    values = {field.attname: getattr(row, field.attname) for field in Message._meta.concrete_fields}
    return Message(**values | {"id": None, "batch_id": None, "repeat_digest": None} | changed)


def _import(account_id: int, lines: str, what: str) -> None:
    found = imports.upload(account_id, "PL", lines.encode(), name=what, by="olga")
    columns = ["phone", "name", "field:x"][: 1 + lines.split("\n")[0].count(";")]
    imports.check(account_id, found.pk, imports.Choices(columns))
    run_imports()
    if what == "run":
        imports.start(account_id, found.pk, Consent("", "olga"))
        run_imports()


def finish(clock: ManualClock) -> None:
    erase_people()
    clock.advance(minutes=2)
    erase_people()


SEEN = {
    "contacts_contact", "contacts_import", "contacts_importpiece", "contacts_importproblem",
    "contacts_unreadablecontact", "django_admin_log", "http_api_idempotencyrecord",
    "licenses_token", "messaging_batch", "messaging_inboundmessage", "messaging_message",
    "messaging_exportpiece", "messaging_export", "messaging_thread", "outbox_event",
    "webhooks_delivery", "messaging_optout",
}  # fmt: skip


def test_afterwards_no_table_holds_the_number_or_a_text(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    everywhere(api, tenant, phone)
    opt_outs.opt_out(tenant.account.pk, PHONE, OptOut.Source.API)
    publishing.publish(tenant.account.pk)
    assert tables_that_hold_it() == SEEN
    InboundMessage.objects.filter(sender__startswith="SHOP").delete()
    Thread.objects.filter(phone__startswith="SHOP").delete()
    erasing.erase(tenant.account.pk, PHONE, by="olga")
    finish(manual_clock)
    assert tables_that_hold_it() == {"messaging_optout"}
    one = Erasure.objects.get()
    assert (one.phone, one.under_way, one.asked_by) == ("", 0, "olga")
    assert one.finished_at is not None
    assert one.counts["contacts"] == 1
    assert one.counts["messages"] == 4
    assert OptOut.objects.filter(phone=PHONE).exists()


def test_counts_and_states_stay_and_waiting_messages_are_cancelled_at_once(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    done, waiting = accept(api, tenant, "a-1", phone=PHONE), accept(api, tenant, "a-2", phone=OTHER)
    wire = Wire(api, phone)
    [first, *_] = wire.claim(1)
    wire.report(*sent(first["message_id"]))
    later = accept(api, tenant, "a-3", phone=PHONE)
    begun = erasing.erase(tenant.account.pk, PHONE, by="olga")
    assert Message.objects.get(pk=later).status == MessageState.CANCELLED
    assert erasing.erase(tenant.account.pk, PHONE, by="olga").pk == begun.pk, "it is the same"
    finish(manual_clock)
    one = Message.objects.get(pk=done)
    assert (one.status, one.phone, one.text, one.external_id) == ("sent", "", "", "a-1")
    assert Message.objects.get(pk=waiting).phone == OTHER
    assert Message.objects.count() == 3


def test_what_a_phone_has_is_erased_when_its_end_is_known(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    wire = Wire(api, phone)
    held_one, started = (accept(api, tenant, name, phone=PHONE) for name in ("a-1", "a-2"))
    claimed = {one["message_id"] for one in wire.claim(2)}
    assert claimed == {held_one, started}
    wire.report(event("started", started, parts=1))
    assert erasing.erase(tenant.account.pk, PHONE, by="olga").under_way == 2
    erase_people()
    assert Message.objects.get(pk=started).phone == PHONE
    answer = wire.sync(held=[{"message_id": held_one, "attempt": 1}])
    assert answer["cancel"] == [held_one], "the phone is asked to give it back"
    wire.report(event("released", held_one, code="cancelled"))
    manual_clock.advance(minutes=2)
    erase_people()
    assert Erasure.objects.get().finished_at is None
    wire.report(event("part_sent", started, part=1, parts=1))
    erase_people()
    assert Erasure.objects.get().finished_at is not None
    rows = Message.objects.order_by("pk").values_list("status", "phone", "text")
    assert list(rows) == [("cancelled", "", ""), ("sent", "", "")]


def test_what_a_dead_phone_has_is_given_up_when_its_lease_ended(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    accept(api, tenant, "a-1", phone=PHONE)
    Wire(api, phone).claim(1)
    erasing.erase(tenant.account.pk, PHONE, by="olga")
    finish(manual_clock)
    assert Erasure.objects.get().under_way == 1
    manual_clock.advance(minutes=15)
    doubt_expired_leases()
    erase_people()
    one = Message.objects.get()
    assert (one.status, one.phone) == ("failed", "")
    assert Erasure.objects.get().finished_at is not None


def test_what_is_told_late_and_was_said_before_is_not_kept(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    said = manual_clock().isoformat()
    manual_clock.advance(minutes=5)
    erasing.erase(tenant.account.pk, PHONE, by="olga")
    finish(manual_clock)
    late = str(uuid4())
    for _ in range(2):
        receive(api, phone, "STOP", PHONE, wall_time=said, event_id=late)
        receive(api, phone, "Hi", "733914275", wall_time=said)
    assert not InboundMessage.objects.exists()
    assert not Thread.objects.exists()
    assert OptOut.objects.get().phone == PHONE, "but it is heard"
    receive(api, phone, "Hello again", PHONE, wall_time=manual_clock().isoformat())
    assert InboundMessage.objects.get().text == "Hello again"
    receive(api, phone, "me", OTHER, wall_time=said)
    assert InboundMessage.objects.count() == 2


def test_a_report_that_is_repeated_brings_no_sms_back(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    again = {"event_id": str(uuid4()), "wall_time": "2036-01-01T00:00:00+00:00"}  # a wrong clock
    receive(api, phone, "one", PHONE, **again)
    manual_clock.advance(seconds=1)
    erasing.erase(tenant.account.pk, PHONE, by="olga")
    finish(manual_clock)
    receive(api, phone, "one", PHONE, **again)
    assert not InboundMessage.objects.exists()


def test_another_account_keeps_the_same_person(
    api: Api, tenant: Tenant, other_tenant: Tenant, manual_clock: ManualClock
) -> None:
    everywhere(api, other_tenant, pair_phone(other_tenant, "install-2"))
    before = tables_that_hold_it()
    erasing.erase(tenant.account.pk, PHONE, by="olga")
    finish(manual_clock)
    assert tables_that_hold_it() == before
    assert Erasure.objects.get().counts["messages"] == 0


def test_who_comes_back_later_is_kept(api: Api, tenant: Tenant, manual_clock: ManualClock) -> None:
    manual_clock.advance(seconds=1)
    erasing.erase(tenant.account.pk, PHONE, by="olga")
    erase_people()
    manual_clock.advance(seconds=1)
    accept(api, tenant, "a-9", phone=PHONE)
    api.post("/api/contacts/contacts/", tenant.with_keys(name="Anna", phone=PHONE))
    Contact.objects.update(created_at=manual_clock())
    manual_clock.advance(minutes=2)
    erase_people()
    assert Erasure.objects.get().finished_at is not None
    assert (Message.objects.get().phone, Contact.objects.get().phone) == (PHONE, PHONE)


def test_a_repeated_request_has_still_no_second_effect(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    headers = {"Idempotency_Key": "key-1"} | tenant.headers
    body = tenant.message(phone=PHONE, message=SENT)
    first = api.post("/api/messages/", body, **headers).json()
    erasing.erase(tenant.account.pk, PHONE, by="olga")
    finish(manual_clock)
    again = api.post("/api/messages/", body, **headers)
    assert again.status_code == 201
    assert again.json() == first | {"phone": "", "message": ""}
    assert Message.objects.count() == 1


def test_a_mailings_text_stays_while_it_went_to_others(
    tenant: Tenant, api: Api, manual_clock: ManualClock
) -> None:
    batch = Batch.objects.create(
        account=tenant.account, license=tenant.license, dialect="x", text="Sale!",
        created_at=manual_clock(),
    )  # fmt: skip
    for number, phone in enumerate((PHONE, OTHER)):
        accept(api, tenant, f"a-{number}", phone=phone)
    Message.objects.update(batch=batch)
    erasing.erase(tenant.account.pk, PHONE, by="olga")
    finish(manual_clock)
    assert Batch.objects.get().text == "Sale!"
    erasing.erase(tenant.account.pk, OTHER, by="olga")
    finish(manual_clock)
    assert Batch.objects.get().text == ""


def test_a_running_import_that_holds_them_is_stopped_and_others_go_on(tenant: Tenant) -> None:
    account = tenant.account.pk
    for lines in ("600100200;Jan\n", f"600100200;Jan\n{DIGITS};Anna\n"):
        found = imports.upload(account, "PL", lines.encode(), name="x", by="olga")
        imports.check(account, found.pk, imports.Choices(["phone", "name"]))
        imports.start(account, found.pk, Consent("", "olga"))
    erasing.erase(account, PHONE, by="olga")
    erase_people()
    assert list(Import.objects.order_by("pk").values_list("state", flat=True)) == [
        "running", "stopped",
    ]  # fmt: skip
    assert not ImportProblem.objects.exists()


def test_an_alert_link_without_recipients_is_revoked_not_opened(tenant: Tenant) -> None:
    for phones in ([PHONE], [PHONE, OTHER]):
        tokens.issue(Token.Kind.HOOK, tenant.keys.license_id, alert_phones=phones)
    erasing.erase(tenant.account.pk, PHONE, by="olga")
    erase_people()
    alone, other = Token.objects.order_by("pk")
    assert alone.revoked_at is not None
    assert (other.revoked_at, other.alert_phones) == (None, [OTHER])


def test_an_erasure_ends_when_no_phone_can_tell_any_more(
    tenant: Tenant, manual_clock: ManualClock
) -> None:
    erasing.erase(tenant.account.pk, PHONE, by="olga")
    finish(manual_clock)
    manual_clock.advance(days=90)
    erase_people()
    assert Erasure.objects.exists()
    manual_clock.advance(days=2)
    erase_people()
    assert not Erasure.objects.exists()


def test_a_kill_in_the_middle_leaves_it_to_the_next_run(
    api: Api,
    tenant: Tenant,
    phone: Phone,
    manual_clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    receive(api, phone, "one", PHONE)
    erasing.erase(tenant.account.pk, PHONE, by="olga")
    with monkeypatch.context() as broken, transaction.atomic():
        broken.setattr("contacts.erasing.erase_rows", lambda *given: 1 / 0)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            erasing.go_on()
    assert InboundMessage.objects.exists()
    finish(manual_clock)
    assert not InboundMessage.objects.exists()


def test_a_short_code_is_no_person(tenant: Tenant) -> None:
    with pytest.raises(ApiError):
        erasing.erase(tenant.account.pk, "7255", by="olga")


def test_by_api_it_is_begun_followed_and_of_nobody_elses(
    api: Api, tenant: Tenant, other_tenant: Tenant, manual_clock: ManualClock
) -> None:
    accept(api, tenant, phone=PHONE)

    def ask(method: str, path: str, by: Tenant, **body: Any) -> Any:
        call = getattr(api.client, method)
        if method == "get":
            return call(f"/api/{path}", headers=by.pair_headers)
        return call(f"/api/{path}", body, "application/json", headers=by.pair_headers)

    answer = ask("post", "erasures/", tenant, phone="733914275")
    assert (answer.status_code, answer.json()["state"]) == (202, "begun")
    finish(manual_clock)
    one = ask("get", f"erasures/{answer.json()['id']}/", tenant).json()
    assert (one["state"], one["counts"]["messages"]) == ("finished", 1)
    assert ask("get", "erasures/", tenant).json()["results"] == [one]
    refused(ask("get", f"erasures/{one['id']}/", other_tenant), 404, "not_found")
    refused(ask("post", "erasures/", tenant, phone="x"), 400, "invalid", "phone")
    refused(ask("post", "erasures/", tenant), 400, "invalid", "phone")
    assert pagination.count(Erasure.objects.all()) == 1
    [entry] = audit.entries(tenant.account.pk)
    assert (entry.username, entry.action) == (f"licence {tenant.keys.license_id}", "person_erased")
    assert (entry.object_id, entry.details) == (one["id"], {})
    found = ask("post", "persons/", tenant, phone=PHONE).json()
    assert (found["contact"], found["messages"], found["received"]) == (None, [], [])
    assert audit.entries(tenant.account.pk)[0].action == "person_exported"
    assert not Event.objects.filter(data__icontains=DIGITS).exists()


def test_each_phone_is_told_to_forget_in_its_next_three_answers(
    api: Api, tenant: Tenant, other_tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    wire, theirs = Wire(api, phone), Wire(api, pair_phone(other_tenant, "install-2"))
    erasing.erase(tenant.account.pk, PHONE, by="olga")
    assert "forget" not in wire.sync()
    finish(manual_clock)
    told = [wire.sync().get("forget") for _ in range(4)]
    assert told == [True, True, True, None]
    assert "forget" not in theirs.sync()
