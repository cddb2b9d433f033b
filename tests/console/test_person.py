"""Personal data in the console: an owner finds, fetches and erases somebody by number."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from django.test import Client

from contacts.models import Contact
from members import audit
from members.audit import Action
from messaging.models import Erasure, Message, OptOut
from messaging.services import opt_outs
from privacy.tasks import erase_people
from tests.conftest import Api, ManualClock, Phone, Tenant
from tests.console.conftest import logged_in, person
from tests.delivery import accept
from tests.messaging.test_inbox import receive

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sms_kept")]

PLACE = "/console/person/"
PHONE = "+48733914275"
POLISH = {"Accept-Language": "pl"}


def text_of(response: Any) -> str:
    return str(response.content.decode())


@pytest.fixture
def anna(api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock) -> None:
    accept(api, tenant, phone=PHONE, message="Your <b>code</b> is 7")
    receive(api, phone, "Thanks", PHONE)
    Contact.objects.create(
        account=tenant.account, name="Anna", phone=PHONE, fields={"city": "Łódź"},
        created_at=manual_clock(),
    )  # fmt: skip
    opt_outs.opt_out(tenant.account.pk, PHONE, OptOut.Source.API)


def test_an_owner_sees_how_much_is_kept_of_somebody(
    tenant: Tenant, owner: Client, anna: None
) -> None:
    page = owner.post(PLACE, {"phone": "733 914 275"})
    assert "Anna" in text_of(page)
    found = page.context["found"]
    assert [len(found[kind]) for kind in ("messages", "received", "threads", "opt_outs")] == [1] * 4
    assert "733914275" not in page.request["PATH_INFO"]
    nobody = owner.post(PLACE, {"phone": "600100200"})
    assert nobody.context["found"]["contact"] is None
    wrong = owner.post(PLACE, {"phone": "x"}, headers=POLISH)
    assert (wrong.status_code, 'id="phone-problem"' in text_of(wrong)) == (400, True)


def test_all_of_it_comes_as_a_file_for_people_and_for_programs(
    tenant: Tenant, owner: Client, anna: None
) -> None:
    answer = owner.post(f"{PLACE}export/", {"phone": PHONE}, headers=POLISH)
    assert answer["Content-Disposition"] == 'attachment; filename="person.zip"'
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    data = json.loads(archive.read("person.json"))
    assert data["contact"]["fields"] == {"city": "Łódź"}
    assert [one["message"] for one in data["messages"]] == ["Your <b>code</b> is 7"]
    assert [one["text"] for one in data["received"]] == ["Thanks"]
    assert [one["source"] for one in data["opt_outs"]] == ["api"]
    page = archive.read("person.html").decode()
    assert "Your &lt;b&gt;code&lt;/b&gt; is 7" in page
    for word in ("Łódź", "Thanks", "Odebrane SMS-y", 'lang="pl"'):
        assert word in page
    assert audit.entries(tenant.account.pk)[0].action == Action.PERSON_EXPORTED
    assert owner.post(f"{PLACE}export/", {"phone": "x"})["Location"] == PLACE


def test_somebody_is_erased_once_their_number_is_typed_twice(
    tenant: Tenant, owner: Client, anna: None, manual_clock: ManualClock
) -> None:
    for again in ("", "x", "733914276"):
        owner.post(f"{PLACE}erase/", {"phone": PHONE, "confirmed": again})
    assert not Erasure.objects.exists()
    owner.post(f"{PLACE}erase/", {"phone": PHONE, "confirmed": "733-914-275"})
    assert "data-soon" in text_of(owner.get(PLACE))
    erase_people()
    manual_clock.advance(minutes=2)
    erase_people()
    page = text_of(owner.get(PLACE, headers=POLISH))
    assert "gotowe" in page
    assert "odebrane SMS-y: 1" in page
    assert "914" not in page
    assert Message.objects.get().text == ""
    assert OptOut.objects.get().phone == PHONE
    entry = audit.entries(tenant.account.pk)[0]
    assert (entry.action, entry.object_id) == (Action.PERSON_ERASED, Erasure.objects.get().pk)
    assert "914" not in str(entry.details)


def test_neither_an_operator_nor_another_account_gets_at_it(
    tenant: Tenant, other_tenant: Tenant, operator: Client, anna: None
) -> None:
    for path in ("", "export/", "erase/"):
        assert (
            operator.post(f"{PLACE}{path}", {"phone": PHONE, "confirmed": PHONE}).status_code == 403
        )
    stranger = logged_in(person("bob", other_tenant))
    found = stranger.post(PLACE, {"phone": PHONE}).context["found"]
    assert not any(found[kind] for kind in ("contact", "messages", "received", "opt_outs"))
    stranger.post(f"{PLACE}erase/", {"phone": PHONE, "confirmed": PHONE})
    erase_people()
    assert Message.objects.get().phone == PHONE
    assert Contact.objects.get().phone == PHONE
