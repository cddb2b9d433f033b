"""All that there is of one person: counted, handed over, and erased."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any
from uuid import uuid4
from zipfile import ZipFile

import pytest
from django.test import Client

from contacts.models import Contact, ContactGroup, Membership
from members import audit
from members.audit import Action
from messaging.models import InboundMessage, Message, OptOut, Thread
from messaging.services import opt_outs
from tests.conftest import Api, Phone, Tenant, pair_phone
from tests.delivery import Wire, accept, event, sent

pytestmark = pytest.mark.django_db

NUMBER, OTHER = "+48601234567", "+48602345678"
URL = "/console/person/"


@pytest.fixture
def everything(api: Api, tenant: Tenant, other_tenant: Tenant, phone: Phone) -> dict[str, int]:
    """Of two numbers, in this account and another, each kind of row; ids of the first one's messages."""
    found = {}
    for owner, device in ((tenant, phone), (other_tenant, pair_phone(other_tenant))):
        wire = Wire(api, device)
        for number in (NUMBER, OTHER):
            contact = Contact.objects.create(account=owner.account, phone=number, name="=Ola")
            group = ContactGroup.objects.create(account=owner.account, name=f"of {number}")
            Membership.objects.create(account=owner.account, contact=contact, contactgroup=group)
            sent_one = accept(api, owner, f"sent-{number}", phone=number, message="Gone")
            [claimed] = wire.claim()
            wire.report(*sent(claimed["message_id"]))
            received = {"event_id": str(uuid4()), "type": "received", "sender": number}
            wire.report(received | {"text": "-1 Yes", "sim": 0})
            held = accept(api, owner, f"held-{number}", phone=number, message="Under way")
            [claimed] = wire.claim()
            wire.report(event("started", claimed["message_id"]))
            opt_outs.opt_out(owner.account.pk, number, OptOut.Source.SMS)
            if (owner, number) == (tenant, NUMBER):
                found = {"sent": sent_one, "held": held}
    return found


def facts(response: Any) -> tuple[int, int, int]:
    kept = response.context["kept"]
    return kept.messages, kept.under_way, kept.received


def test_it_is_counted_of_one_number_of_one_account(
    owner: Client, everything: dict[str, int]
) -> None:
    assert owner.get(URL).context["kept"] is None
    answer = owner.post(URL, {"phone": "601 234 567"})
    assert facts(answer) == (2, 1, 1)
    assert "=Ola" in answer.content.decode()
    assert "1 message has not ended yet" in answer.content.decode()
    nobody = owner.post(URL, {"phone": "603 000 000"})
    assert "There is nothing of this person" in nobody.content.decode()
    wrong = owner.post(URL, {"phone": "12"})
    assert (wrong.status_code, 'value="12"' in wrong.content.decode()) == (400, True)


def test_it_is_handed_over_as_a_file(
    tenant: Tenant, owner: Client, everything: dict[str, int]
) -> None:
    answer = owner.post(f"{URL}export/", {"phone": NUMBER})
    assert answer["Content-Type"] == "application/zip"
    archive = ZipFile(BytesIO(answer.content))
    person = json.loads(archive.read("person.json"))
    assert (person["phone"], person["contact"]["name"]) == (NUMBER, "=Ola")
    assert person["contact"]["groups"][0]["name"] == f"of {NUMBER}"
    assert [one["id"] for one in person["messages"]] == [everything["held"], everything["sent"]]
    assert [one["text"] for one in person["received"]] == ["-1 Yes"]
    assert [one["phone"] for one in person["opt_outs"]] == [NUMBER]
    assert OTHER not in json.dumps(person)
    assert "Gone" in archive.read("messages.csv").decode()
    assert ";'-1 Yes" in archive.read("received.csv").decode()
    entry = audit.entries(tenant.account.pk)[0]
    assert (entry.action, entry.details, entry.object_id) == (Action.PERSON_EXPORTED, {}, None)


@pytest.mark.parametrize("confirmed", ["", "602 345 678", "x"])
def test_it_is_not_erased_before_the_number_is_typed_once_more(
    tenant: Tenant, owner: Client, everything: dict[str, int], confirmed: str
) -> None:
    answer = owner.post(f"{URL}erase/", {"phone": NUMBER, "confirmed": confirmed})
    assert answer.status_code == 400
    assert facts(answer) == (2, 1, 1)
    assert not audit.entries(tenant.account.pk).filter(action=Action.PERSON_ERASED).exists()


def test_it_is_erased_but_for_what_a_phone_has_and_the_opt_out(
    tenant: Tenant, owner: Client, everything: dict[str, int]
) -> None:
    account = tenant.account.pk
    answer = owner.post(f"{URL}erase/", {"phone": NUMBER, "confirmed": "601 234 567"})
    assert facts(answer) == (1, 1, 0)
    erased = Message.objects.get(pk=everything["sent"])
    assert (erased.phone, erased.text, erased.status) == ("", "", "sent")
    assert Message.objects.get(pk=everything["held"]).text == "Under way"
    for rows in (
        Contact.objects.filter(phone=NUMBER),
        InboundMessage.objects.filter(sender=NUMBER),
        Thread.objects.filter(phone=NUMBER),
    ):
        assert {one.account_id for one in rows} == {Contact.objects.last().account_id}  # type: ignore[union-attr]
    assert OptOut.objects.filter(account=account, phone=NUMBER).exists()
    assert facts(owner.post(URL, {"phone": OTHER})) == (2, 1, 1)
    [entry] = audit.entries(account).filter(action=Action.PERSON_ERASED)
    assert (entry.username, entry.details) == ("olga", {})
    Message.objects.filter(pk=everything["held"]).update(
        status="failed", finished_at=erased.finished_at
    )
    owner.post(f"{URL}erase/", {"phone": NUMBER, "confirmed": NUMBER})
    assert "There is nothing of this person" in owner.post(URL, {"phone": NUMBER}).content.decode()


def test_what_waits_is_cancelled_and_erased(api: Api, tenant: Tenant, owner: Client) -> None:
    waits = accept(api, tenant, phone=NUMBER)
    answer = owner.post(f"{URL}erase/", {"phone": NUMBER, "confirmed": NUMBER})
    message = Message.objects.get(pk=waits)
    assert (message.status, message.phone, message.text) == ("cancelled", "", "")
    assert answer.context["kept"].is_nothing
