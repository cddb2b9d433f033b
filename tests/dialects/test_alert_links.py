"""Alert links: hook links that have their recipients inside."""

from __future__ import annotations

import io
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from contacts import alerts
from contacts.models import ContactGroup
from http_api import batching
from http_api.patience import without_waiting
from licenses import tokens
from licenses.models import HookLink, License, Token
from messaging.models import Batch, Message
from messaging.segments import segment
from messaging.services import opt_outs
from tests.conftest import Api, ManualClock, Tenant, in_threads, refused
from tests.contacts.conftest import AddressBook
from tests.dialects.test_hook_bodies import KUMA, of_file, posted

ANNA, BERT, CARL = "+48600100201", "+48600100202", "+48600100203"


@pytest.fixture
def book(api: Api, tenant: Tenant) -> AddressBook:
    return AddressBook(api, tenant)


@pytest.fixture
def token(tenant: Tenant) -> str:
    return alerts.new_link(tenant.license, [ANNA, BERT])


def called(api: Api, token: str, message: str = "Fire", **query: str) -> Any:
    return api.client.get(f"/hooks/{token}/?{urlencode({'message': message} | query)}")


def phones() -> list[str]:
    return list(Message.objects.order_by("pk").values_list("phone", flat=True))


def test_a_call_sends_to_all_of_its_numbers(api: Api, token: str, tenant: Tenant) -> None:
    response = called(api, token)
    assert response.status_code == 201, response.content
    messages = list(Message.objects.order_by("pk"))
    assert response.json() == {
        "messages": [{"id": message.pk, "status": "pending"} for message in messages]
    }
    assert response["Cache-Control"] == "no-store"
    assert [(m.phone, m.text, m.license_id) for m in messages] == [
        (ANNA, "Fire", tenant.keys.license_id), (BERT, "Fire", tenant.keys.license_id),
    ]  # fmt: skip


def test_a_call_sends_to_who_is_in_its_group_by_then(
    api: Api, tenant: Tenant, book: AddressBook
) -> None:
    book.save("Anna", ANNA, "On call")
    token = alerts.new_link(tenant.license, [ANNA, CARL], "On call")
    bert = book.save("Bert", BERT, "On call")
    assert called(api, token).status_code == 201
    assert phones() == [ANNA, CARL, BERT]
    Message.objects.all().delete()
    book.call("delete", f"contacts/{bert}/")
    assert called(api, token, "Smoke").status_code == 201
    assert phones() == [ANNA, CARL]


def test_bodies_of_programs_are_read_and_numbers_in_them_are_not(api: Api, token: str) -> None:
    assert posted(api, token, of_file("uptime_kuma.json")).status_code == 201
    assert posted(api, token, {"to": CARL, "phone": "x", "text": "Hi"}).status_code == 201
    assert (
        Message.objects.filter(text=KUMA).count() == Message.objects.filter(text="Hi").count() == 2
    )
    assert set(phones()) == {ANNA, BERT}


def test_a_number_in_the_query_is_refused_since_it_would_not_be_called(
    api: Api, token: str
) -> None:
    for name in ("phone", "to"):
        refused(called(api, token, **{name: CARL}), 400, "invalid", "phone")
    assert not Message.objects.exists()


def test_without_a_text_it_sends_nothing(api: Api, token: str) -> None:
    refused(posted(api, token, {"status": "firing"}), 400, "invalid", "message")
    refused(called(api, token, ""), 400, "invalid", "message")


def test_a_long_text_is_cut_to_three_parts(api: Api, token: str) -> None:
    for text in ("x" * 5000, "ż" * 5000):
        assert posted(api, token, {"message": text}).status_code == 201
        cut = Message.objects.latest("pk")
        assert (cut.parts, text.startswith(cut.text)) == (3, True)
        assert segment(cut.text + text[0]).parts == 4


def test_it_goes_ahead_of_others_and_at_any_hour(
    api: Api, token: str, tenant: Tenant, manual_clock: ManualClock
) -> None:
    tenant.set_rules(sending_hours="08:00-12:00")
    api.post("/api/messages/", tenant.message())
    assert called(api, token).json()["messages"][0]["status"] == "pending"
    alert, other = Message.objects.filter(phone=ANNA).get(), Message.objects.get(external_id="a-1")
    assert (alert.status, alert.any_hour, other.status) == ("pending", True, "scheduled")
    assert alert.priority > other.priority


# --- never twice -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("second", "lasts"), [(0, 180), (30, 150), (59, 121)])
def test_the_same_text_is_a_repetition_for_two_minutes_and_at_most_three(
    api: Api, token: str, manual_clock: ManualClock, second: int, lasts: int
) -> None:
    manual_clock.advance(seconds=second)
    first = called(api, token)
    manual_clock.advance(seconds=1)
    for _ in range(2):
        again = called(api, token)
        assert (again.status_code, again.json()) == (200, first.json())
        manual_clock.advance(seconds=lasts - 2)
    assert Message.objects.count() == 2
    manual_clock.advance(seconds=-(lasts - 2) + 1)
    assert called(api, token).status_code == 201
    assert Message.objects.count() == 4


def test_another_text_or_another_link_is_no_repetition(
    api: Api, token: str, tenant: Tenant, manual_clock: ManualClock
) -> None:
    other = alerts.new_link(tenant.license, [ANNA])
    for link, text in ((token, "Fire"), (token, "Fire!"), (other, "Fire")):
        assert called(api, link, text).status_code == 201
    assert phones() == [ANNA, BERT, ANNA, BERT, ANNA]


def test_texts_that_begin_alike_are_two_also_where_both_are_cut(api: Api, token: str) -> None:
    for end in ("a", "b"):
        assert posted(api, token, {"message": "x" * 1000 + end}).status_code == 201
    assert Message.objects.count() == 4


def test_an_external_id_is_sent_once_for_ever_and_tells_two_alike_apart(
    api: Api, token: str, manual_clock: ManualClock
) -> None:
    first = called(api, token, external_id="1")
    assert called(api, token, external_id="2").status_code == 201
    manual_clock.advance(days=30)
    again = called(api, token, "changed since", external_id="1")
    assert (again.status_code, again.json()) == (200, first.json())
    assert Message.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_calls_at_the_same_time_send_once(api: Api, token: str) -> None:
    answers = in_threads([lambda: called(api, token)] * 6, 3)
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert phones() == [ANNA, BERT]


@pytest.mark.django_db(transaction=True)
def test_it_gives_way_in_the_lane_of_single_sends(api: Api, token: str) -> None:
    """It takes an account's lock, which nobody waits for there."""
    answers: list[Any] = []
    batching.run_together([lambda: answers.append(without_waiting(lambda: called(api, token)))])
    assert answers == [None]
    assert not Message.objects.exists()


# --- the rules hold --------------------------------------------------------------------------------


def test_who_has_opted_out_is_sent_nothing_and_the_others_are(
    api: Api, token: str, tenant: Tenant
) -> None:
    opt_outs.opt_out(tenant.keys.account_id, ANNA, opt_outs.Source.SMS)
    answer = called(api, token)
    assert answer.status_code == 201
    assert [one["status"] for one in answer.json()["messages"]] == ["cancelled", "pending"]


def test_where_nobody_would_be_told_it_says_so(
    api: Api, token: str, tenant: Tenant, book: AddressBook
) -> None:
    for phone in (ANNA, BERT):
        opt_outs.opt_out(tenant.keys.account_id, phone, opt_outs.Source.SMS)
    refused(called(api, token), 400, "opted_out")
    book.group("Empty")
    refused(called(api, alerts.new_link(tenant.license, [], "Empty")), 409, "conflict")
    assert not Message.objects.exists()
    assert not Batch.objects.exists()


def test_the_daily_limit_holds_and_a_refused_alert_may_be_repeated(
    api: Api, token: str, tenant: Tenant
) -> None:
    tenant.set_rules(max_daily_sms=1)
    refused(called(api, token), 403, "daily_limit_exceeded")
    tenant.set_rules(max_daily_sms=2)
    assert called(api, token).status_code == 201
    refused(called(api, token, "Smoke"), 403, "daily_limit_exceeded")


def test_a_group_that_has_grown_too_large_is_refused(
    api: Api, tenant: Tenant, book: AddressBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "MAX_RECIPIENTS", 2)
    for phone in (ANNA, BERT):
        book.save("x", phone, "On call")
    token = alerts.new_link(tenant.license, [], "On call")
    assert called(api, token).status_code == 201
    book.save("x", CARL, "On call")
    refused(called(api, token, "Smoke"), 409, "conflict")


def test_a_revoked_link_and_a_key_without_scope_send_nothing(
    api: Api, token: str, tenant: Tenant
) -> None:
    License.objects.update(scopes="read")
    refused(called(api, token), 403, "scope_missing")
    License.objects.update(scopes="")
    tokens.revoke(tenant.keys.license_id, Token.objects.get(kind="hook").public_id)
    refused(called(api, token), 404, "invalid_key")
    assert not Message.objects.exists()


def test_anothers_group_of_the_same_name_is_not_meant(
    api: Api, tenant: Tenant, other_tenant: Tenant, book: AddressBook
) -> None:
    AddressBook(api, other_tenant).save("Bob's", CARL, "On call")
    with pytest.raises(Exception, match="invalid"):
        alerts.new_link(tenant.license, [], "On call")
    book.save("Anna", ANNA, "On call")
    assert called(api, alerts.new_link(tenant.license, [], "On call")).status_code == 201
    assert phones() == [ANNA]


def test_a_group_that_is_alerted_is_not_deleted(
    api: Api, tenant: Tenant, book: AddressBook
) -> None:
    book.save("Anna", ANNA, "On call")
    group = book.group("On call")
    token = alerts.new_link(tenant.license, [], "On call")
    body = refused(book.call("delete", f"groups/{group}/"), 409, "conflict")
    assert "revoke it first" in body["message"]
    assert called(api, token).status_code == 201
    tokens.revoke_hooks(tenant.license)
    assert book.call("delete", f"groups/{group}/").status_code == 204


def test_a_group_that_was_deleted_all_the_same_is_told_of(
    api: Api, tenant: Tenant, book: AddressBook
) -> None:
    book.save("Anna", ANNA, "On call")
    token = alerts.new_link(tenant.license, [], "On call")
    ContactGroup.objects.all().delete()  # as the admin does
    refused(called(api, token), 409, "conflict")


# --- how they are made -----------------------------------------------------------------------------


def command(*arguments: str) -> Any:
    out = io.StringIO()
    call_command("hook", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_the_command_makes_a_link_that_works(api: Api, tenant: Tenant, book: AddressBook) -> None:
    book.save("Carl", CARL, "On call")
    made = command(
        str(tenant.keys.license_id), "--to", "600 100 201", "--to", BERT, "--to", ANNA,
        "--group", "On call",
    )  # fmt: skip
    assert list(made) == ["token", "url"]
    assert called(api, made["token"]).status_code == 201
    assert phones() == [ANNA, BERT, CARL]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to", "12"], "numbers: 12: "),
        (["--to", "7255"], "numbers: 7255: "),
        (["--to", "+48 600"], "numbers: "),
        (["--group", "None such"], "group: there is no group of this name"),
    ],
)
def test_the_command_says_what_is_wrong(tenant: Tenant, arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError) as error:
        command(str(tenant.keys.license_id), *arguments)
    assert str(error.value).startswith(said)
    assert not HookLink.objects.filter(kind="hook").exists()


def test_the_command_tells_how_to_call_it(tenant: Tenant) -> None:
    for options, example in (
        ([], "?phone=+48123456789&message=Hello"), (["--to", ANNA], "/?message=Hello"),
    ):  # fmt: skip
        out = io.StringIO()
        call_command("hook", str(tenant.keys.license_id), *options, stdout=out)
        assert example in out.getvalue()


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("op"))
    return client


@pytest.mark.parametrize(
    ("numbers", "group", "query", "sent"),
    [
        ("600 100 201\r\n\r\n+48600100202\r\n", "", {}, [ANNA, BERT]),
        ("", "On call", {}, [CARL]),
        ("", "", {"phone": ANNA}, [ANNA]),
    ],
)
def test_the_admin_makes_links_of_both_kinds(
    api: Api, tenant: Tenant, book: AddressBook, operator: Client,
    numbers: str, group: str, query: dict[str, str], sent: list[str],
) -> None:  # fmt: skip
    book.save("Carl", CARL, "On call")
    form = {"license": tenant.keys.license_id, "numbers": numbers, "group": group}
    page: Any = operator.post("/admin/licenses/hooklink/add/", form)
    [link] = page.context["secrets"].values()
    assert "no-store" in page["Cache-Control"]
    assert called(api, link.rstrip("/").rpartition("/")[2], **query).status_code == 201
    assert phones() == sent
    assert operator.get("/admin/licenses/hooklink/").status_code == 200


def test_the_admin_says_what_is_wrong_and_shows_numbers_masked(
    tenant: Tenant, operator: Client
) -> None:
    assert operator.get("/admin/licenses/hooklink/add/").status_code == 200
    form = {"license": tenant.keys.license_id, "numbers": f"{ANNA}\n12", "group": "None such"}
    page = operator.post("/admin/licenses/hooklink/add/", form).content.decode()
    assert "12: " in page
    assert not HookLink.objects.filter(kind="hook").exists()
    alerts.new_link(tenant.license, [ANNA])
    listed = operator.get("/admin/licenses/hooklink/").content.decode()
    assert ANNA not in listed
    assert "+48••••••201" in listed
