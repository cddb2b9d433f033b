"""Templates and conversations in real headless Chromium."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.sync_api import Page, Route

from contacts.models import Contact, Template
from licenses.models import KeptSms
from messaging.models import Message
from privacy import tasks
from tests.conftest import Api, Phone, Tenant
from tests.console.test_in_a_browser import context, owner, site
from tests.http_api.live import Server, server
from tests.messaging.test_inbox import receive

__all__ = ["context", "owner", "server", "site"]

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_template_is_written_and_sent_with_what_its_recipient_lacks_typed(
    tenant: Tenant, site: str, owner: Page
) -> None:
    Contact.objects.create(account=tenant.account, name="Żaneta", phone="+48601234567")
    owner.goto(f"{site}/console/templates/new/")
    owner.fill("#name", "Pick-up")
    owner.fill("#id_text", "Hello {name}, {order} is ready")
    assert owner.inner_text("#counter") == "characters: 30 · parts: 1 · left: 126"
    owner.click("text=Preview")
    assert owner.inner_text("#preview .bubble") == "Hello Żaneta, {order} is ready"
    assert "{order}" in owner.inner_text("#unknown")
    owner.click("text=Save")
    owner.wait_for_url("**/console/templates/*/")
    assert Template.objects.get().name == "Pick-up"
    owner.goto(f"{site}/console/send/")
    owner.fill("#id_phone", "601234567")
    owner.click("text=Insert the text")
    owner.get_by_label("order", exact=True).fill("No 7")
    owner.click("text=Insert the text")
    assert owner.input_value("#id_text") == "Hello Żaneta, No 7 is ready"
    owner.press("#id_text", "Control+Enter")
    owner.wait_for_url("**/console/messages/*/")
    assert Message.objects.get().text == "Hello Żaneta, No 7 is ready"


def test_an_sms_appears_by_itself_and_is_answered_in_its_conversation(
    api: Api, tenant: Tenant, site: str, owner: Page, phone: Phone
) -> None:
    tenant.set_rules(kept_sms=KeptSms.ALL)
    owner.goto(f"{site}/console/conversations/")
    owner.wait_for_selector("text=Answers of your recipients appear here")
    receive(api, phone, "Where is my order?", "+48601234567")
    owner.click("text=Where is my order?")
    owner.wait_for_url("**/console/conversations/*/")
    receive(api, phone, "Hello?", "+48601234567")
    owner.wait_for_selector("#talk .theirs:nth-child(2)")
    owner.fill("#id_text", "On its way")
    assert owner.inner_text("#counter") == "characters: 10 · parts: 1 · left: 150"
    owner.press("#id_text", "Control+Enter")
    owner.wait_for_selector("#talk .ours")
    assert owner.inner_text("#talk .ours .bubble") == "On its way"
    assert owner.input_value("#id_text") == ""
    assert Message.objects.get().phone == "+48601234567"
    receive(api, phone, "STOP", "+48601234567")
    owner.wait_for_selector("#talk .told")
    owner.reload()
    assert owner.is_visible("#closed")
    assert not owner.is_visible("#id_text")


def test_a_person_is_found_fetched_and_erased_by_their_number(
    api: Api, tenant: Tenant, site: str, owner: Page, phone: Phone
) -> None:
    Contact.objects.create(account=tenant.account, name="Anna", phone="+48601234567")
    receive(api, phone, "Forget me", "+48601234567")
    owner.goto(f"{site}/console/person/")
    owner.fill("#sought", "601 234 567")
    owner.click("text=Look")
    assert "Anna" in owner.inner_text("#kept")
    with owner.expect_download() as download:
        owner.click("text=Fetch all of it as a file")
    assert download.value.suggested_filename == "person.zip"
    owner.click("summary:has-text('Erase')")
    owner.fill("#confirmed", "601234567")
    owner.click("text=Erase this person")
    owner.wait_for_selector("#rows .badge.busy")
    assert "601" not in owner.inner_text("main")
    tasks.erase_people()
    assert not Contact.objects.exists()


def test_what_comes_before_the_page_is_told_of_anything_is_shown_too(
    tenant: Tenant, site: str, owner: Page, phone: Phone, server: Server
) -> None:
    tenant.set_rules(kept_sms=KeptSms.ALL)
    sms = {"type": "received", "sender": "+48601234567", "text": "Before the stream"}
    left = [{"events": [sms | {"event_id": str(uuid4())}]}]

    def late(route: Route) -> None:
        for body in left:  # by the live server: a connection that is made here would stay
            token = f"Authorization: Bearer {phone.token}"
            assert server.post("/companion/sync/", body, token).status == 200
        left.clear()
        route.continue_()

    owner.route("**/console/live/stream/", late)
    owner.goto(f"{site}/console/conversations/")
    owner.wait_for_selector("text=Before the stream")
