"""The console in real headless Chromium: by keyboard, on a phone, in the dark, without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.mfa.totp.internal.auth import hotp_value, yield_hotp_counters_from_time
from playwright.sync_api import Browser, BrowserContext, Page

from contacts import imports, templates
from contacts.models import Contact, ContactGroup
from members.models import Role
from messaging.models import Export, Message
from messaging.selectors import MessageFilter
from messaging.services import exports
from messaging.tasks import send_mail
from tests.conftest import Api, Phone, Tenant, pair_phone
from tests.console.conftest import PASSWORD, person
from tests.delivery import Wire, accept, sent
from tests.http_api.live import Server, server
from tests.mail_server import MailServer

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["server"]


@pytest.fixture(autouse=True)
def site(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a live server, whose listeners look by themselves."""
    monkeypatch.setattr("http_api.subscription.LOOK_WITHOUT_REDIS", 0.05)
    return f"http://127.0.0.1:{server.port}"


PAGES = (
    "",
    "messages/",
    "send/",
    "messages/exports/",
    "conversations/",
    "contacts/",
    "contacts/groups/",
    "contacts/imports/",
    "templates/",
    "templates/new/",
    "person/",
    "opt-outs/",
    "phones/",
    "team/",
    "audit/",
    "keys/",
    "webhooks/",
    "settings/",
)


@pytest.fixture
def context(browser: Browser, complaints: list[str]) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-GB")
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context
    context.close()


@pytest.fixture
def owner(tenant: Tenant, site: str, context: BrowserContext, complaints: list[str]) -> Page:
    """Somebody who has logged in by the form, and whatever their browser complains of."""
    person("olga", tenant)
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("request", lambda asked: _from_here(asked.url, site, complaints))
    log_in(page, site, "olga")
    return page


def _from_here(url: str, ours: str, complaints: list[str]) -> None:
    if url.startswith("http") and urlsplit(url).netloc != urlsplit(ours).netloc:
        complaints.append(f"asked elsewhere: {url}")


def log_in(page: Page, url: str, name: str) -> None:
    page.goto(f"{url}/console/")
    page.fill("#id_login", name)
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")
    page.wait_for_selector("nav")


def some_of_everything(api: Api, tenant: Tenant, phone: Phone) -> None:
    ContactGroup.objects.create(account=tenant.account, name="Group" * 40)
    texts = {"name": "Template" * 30, "text": "x" * 200 + "{" + "y" * 200 + "}"}
    templates.save(tenant.account.pk, None, by="olga", **texts)
    lines = "telefon;imię;" + "x" * 80 + "\n500600700;" + "Jan" * 60 + ";Łódź\n4,85E+10;Ola;\n"
    imports.upload(tenant.account.pk, "PL", lines.encode(), name="x" * 200, by="olga")
    Contact.objects.create(account=tenant.account, name="Jan" * 80, phone="+48123456789")
    device = pair_phone(tenant, "Second").device.pk
    sought = MessageFilter(
        device=device, phones=("+48123456789", *(f"+486010000{n}" for n in range(10, 29)))
    )
    exports.ask(tenant.account.pk, sought, Export.Kind.XLSX)
    for number in range(3):
        accept(api, tenant, external_id=f"id-{number}")
    wire = Wire(api, phone)
    [first, *_] = wire.claim()
    wire.report(*sent(first["message_id"]))
    Message.objects.filter(pk__gt=first["message_id"]).update(status="uncertain")


def test_no_page_scrolls_sideways_on_a_phone_nor_with_a_large_font(
    site: str, api: Api, tenant: Tenant, phone: Phone, owner: Page, mails: MailServer
) -> None:
    some_of_everything(api, tenant, phone)
    person("W" * 150, tenant)
    for width, font in ((390, "100%"), (390, "200%"), (1280, "200%")):
        owner.set_viewport_size({"width": width, "height": 844})
        for path in PAGES:
            owner.goto(f"{site}/console/{path}")
            owner.evaluate("font => { document.documentElement.style.fontSize = font }", font)
            wide = owner.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (path, width, font, wide)


def test_enter_sends_to_the_number_that_was_typed_after_a_name_was_asked_about(
    site: str, tenant: Tenant, owner: Page, complaints: list[str]
) -> None:
    Contact.objects.create(account=tenant.account, name="Jan Kowalski", phone="+48601234567")
    owner.set_viewport_size({"width": 390, "height": 844})
    owner.goto(f"{site}/console/send/")
    owner.fill("#id_text", "Hello")
    owner.fill("#id_phone", "kowal")
    owner.press("#id_phone", "Enter")
    owner.wait_for_selector("#people")
    assert owner.evaluate("document.documentElement.scrollWidth") <= 390
    complaints.clear()  # the answer was a 400
    owner.fill("#id_phone", "601 234 568")
    owner.press("#id_phone", "Enter")
    owner.wait_for_url("**/console/messages/*/")
    assert Message.objects.get().phone == "+48601234568"


def test_a_message_is_sent_by_keyboard_alone_and_its_parts_are_counted(
    site: str, owner: Page
) -> None:
    owner.keyboard.press("n")
    owner.wait_for_url("**/console/send/")
    owner.keyboard.press("Tab")
    owner.focus("#id_phone")
    owner.keyboard.type("601 234 567")
    owner.keyboard.press("Tab")
    owner.keyboard.type("Zażółć")
    assert owner.inner_text("#counter") == "characters: 6 · parts: 1 · left: 64 · Unicode: ż ó ł ć"
    owner.keyboard.press("Control+Enter")
    owner.wait_for_url("**/console/messages/*/")
    assert Message.objects.get().text == "Zażółć"


def test_the_counter_says_how_much_is_left_of_the_last_part(site: str, owner: Page) -> None:
    owner.goto(f"{site}/console/send/")
    for text, said in (
        ("", "characters: 0 · parts: 1 · left: 160"),
        ("a" * 160, "characters: 160 · parts: 1 · left: 0"),
        ("a" * 150 + "€" * 5 + "a", "characters: 156 · parts: 2 · left: 144"),
        ("a" * 161, "characters: 161 · parts: 2 · left: 145"),
        # An escape pair does not lie across two parts.
        ("a" * 152 + "€" * 10, "characters: 162 · parts: 2 · left: 133"),
    ):
        owner.fill("#id_text", text)
        assert owner.inner_text("#counter") == said


def test_rows_are_walked_and_what_is_open_is_closed_by_keys(
    site: str, api: Api, tenant: Tenant, owner: Page
) -> None:
    for number in range(3):
        accept(api, tenant, external_id=f"id-{number}")
    owner.goto(f"{site}/console/messages/")
    hrefs = [row.get_attribute("href") for row in owner.query_selector_all("tbody a")]
    here = "document.activeElement.getAttribute('href')"
    for key, place in (("j", 0), ("j", 1), ("j", 2), ("j", 2), ("k", 1)):
        owner.keyboard.press(key)
        assert owner.evaluate(here) == hrefs[place]
    owner.keyboard.press("?")
    assert owner.is_visible("#keys")
    owner.keyboard.press("j")  # the list is in front of the rows
    owner.keyboard.press("Escape")
    assert not owner.is_visible("#keys")
    owner.keyboard.press("/")
    assert owner.evaluate("document.activeElement.id") == "sought"
    owner.keyboard.press("Escape")
    owner.keyboard.press("k")
    assert owner.evaluate(here) == hrefs[0]
    owner.keyboard.press("Enter")
    owner.wait_for_url(f"**{hrefs[0]}")
    owner.click("summary:has-text('Cancel it')")
    owner.keyboard.press("Escape")
    assert owner.query_selector("main details[open]") is None
    owner.click("#keys-open")
    assert owner.is_visible("#keys")


def test_what_was_typed_is_there_again_until_it_is_sent(
    site: str, owner: Page, complaints: list[str]
) -> None:
    owner.goto(f"{site}/console/send/")
    owner.fill("#id_phone", "601 234 567")
    owner.fill("#id_text", "Zażółć")
    owner.context.set_offline(True)
    owner.press("#id_text", "Control+Enter")
    owner.context.set_offline(False)
    owner.goto(f"{site}/console/send/")
    assert owner.input_value("#id_text") == "Zażółć"
    assert owner.inner_text("#counter").startswith("characters: 6")
    owner.press("#id_text", "Control+Enter")
    owner.wait_for_url("**/console/messages/*/")
    owner.goto(f"{site}/console/send/")
    assert owner.input_value("#id_text") == ""
    assert Message.objects.get().text == "Zażółć"
    complaints.clear()  # of the network that was away


def test_a_page_is_told_of_what_happens(
    site: str, api: Api, tenant: Tenant, phone: Phone, owner: Page
) -> None:
    accept(api, tenant)
    wire = Wire(api, phone)
    [message] = wire.claim()
    owner.goto(f"{site}/console/messages/{message['message_id']}/")
    owner.wait_for_selector("#facts .busy")
    wire.report(*sent(message["message_id"]))
    owner.wait_for_selector("#facts .good")


def test_it_works_without_javascript(site: str, browser: Browser, api: Api, tenant: Tenant) -> None:
    person("piotr", tenant, Role.OPERATOR)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, site, "piotr")
    page.goto(f"{site}/console/send/")
    page.fill("#id_phone", "601234567")
    page.fill("#id_text", "Hello")
    page.click("main form .actions button")
    page.wait_for_url("**/console/messages/*/")
    context.close()


def test_an_invitation_is_accepted_by_its_link(
    site: str, owner: Page, browser: Browser, settings: Any
) -> None:
    settings.PUBLIC_URL = site
    owner.goto(f"{site}/console/team/")
    owner.fill("#name", "Jan")
    owner.click("text=Make a link")
    link = owner.inner_text(".link")
    context = browser.new_context(locale="pl-PL")
    guest = context.new_page()
    guest.goto(link)
    guest.fill("#username", "jan")
    guest.fill("#password", PASSWORD)
    guest.click("text=Dołącz")
    guest.wait_for_selector("nav")
    assert "Pulpit" in guest.inner_text("h1")
    assert guest.query_selector("text=Wyślij SMS") is None  # a viewer
    context.close()


def test_a_forgotten_password_is_replaced_by_a_mailed_link(
    site: str, tenant: Tenant, page: Page, mails: MailServer, settings: Any
) -> None:
    settings.PUBLIC_URL = site
    person("olga", tenant, email="olga@example.org")
    page.goto(f"{site}/account/login/")
    page.click("text=I forgot my password")
    page.fill("#id_email", "olga@example.org")
    page.press("#id_email", "Enter")
    page.wait_for_url("**/password/reset/done/")
    send_mail()
    link = mails.link()
    page.goto(link)
    page.wait_for_selector("input[name=password1]")
    for field in ("password1", "password2"):
        page.fill(f"input[name={field}]", "staple battery horse")
    page.press("input[name=password2]", "Enter")
    page.wait_for_url("**/key/done/")
    page.click("text=Log in")
    page.fill("#id_login", "olga")
    page.fill("#id_password", "staple battery horse")
    page.press("#id_password", "Enter")
    page.wait_for_selector("nav")


def test_a_wrong_password_is_told_in_one_wording_whoever_it_is(
    site: str, tenant: Tenant, page: Page
) -> None:
    person("olga", tenant)
    said = set()
    for name in ("olga", "nobody"):
        page.goto(f"{site}/account/login/")
        page.fill("#id_login", name)
        page.fill("#id_password", "wrong horse")
        page.press("#id_password", "Enter")
        said.add(page.inner_text(".problem"))
    assert len(said) == 1


def code_of(page: Page) -> str:
    """The code that an app shows for the secret on this page."""
    secret = page.input_value("#authenticator_secret")
    return f"{hotp_value(secret, next(iter(yield_hotp_counters_from_time()))):06}"


def confirm_password(page: Page) -> None:
    """Give the password again where the page asks for it: the log-in was a while ago."""
    if page.query_selector("input[name=password]"):
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")


def test_a_second_factor_is_set_up_and_asked_for(site: str, owner: Page, browser: Browser) -> None:
    owner.goto(f"{site}/account/second-factor/totp/activate/")
    confirm_password(owner)
    owner.wait_for_selector("#authenticator_secret")
    owner.fill("input[name=code]", code_of(owner))
    owner.press("input[name=code]", "Enter")
    owner.wait_for_url("**/recovery-codes/**")
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(f"{site}/console/")
    page.fill("#id_login", "olga")
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")
    page.wait_for_selector("input[name=code]")
    page.goto(f"{site}/console/")
    assert "/account/second-factor/" in page.url
    page.goto(f"{site}/admin/login/")
    page.fill("#id_username", "olga")
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")
    assert "/admin/login/" in page.url
    context.close()


def test_who_needs_a_second_factor_is_led_to_one_and_gets_in_with_it(
    site: str, tenant: Tenant, owner: Page
) -> None:
    owner.goto(f"{site}/console/settings/")
    owner.check("input[name=needs_second_factor]")
    owner.click("main form button:has-text('Save')")
    owner.wait_for_selector("text=Set up an app")
    owner.click("text=Set up an app")
    confirm_password(owner)
    owner.wait_for_selector("#authenticator_secret")
    owner.fill("input[name=code]", code_of(owner))
    owner.press("input[name=code]", "Enter")
    owner.wait_for_url("**/recovery-codes/**")
    owner.click("text=To the console")
    owner.wait_for_selector("nav")
    assert "Overview" in owner.inner_text("h1")


def test_a_passkey_is_added_and_logs_in(
    site: str, tenant: Tenant, context: BrowserContext, complaints: list[str]
) -> None:
    site = site.replace("127.0.0.1", "localhost")  # an address is no name that a passkey is of
    person("olga", tenant)
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
        "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    log_in(page, site, "olga")
    page.goto(f"{site}/account/second-factor/webauthn/add/")
    confirm_password(page)
    page.fill("#id_name", "Laptop")
    page.check("#id_passwordless")
    page.click("#mfa_webauthn_add")
    page.wait_for_url("**/recovery-codes/**")
    page.goto(f"{site}/console/")
    page.click("nav button:has-text('Log out')")
    page.wait_for_selector("#passkey_login")
    page.click("#passkey_login")
    page.wait_for_url("**/console/")
    assert "olga" in page.inner_text("nav")
    assert complaints == []


def test_letters_that_double_the_parts_are_named_and_replaced(site: str, owner: Page) -> None:
    owner.goto(f"{site}/console/send/")
    owner.fill("#id_text", "Dzień dobry, " + "przypominamy o wizycie. " * 4)
    assert "ń: 2 → 1" in owner.inner_text("#saver")
    owner.click("#saver button")
    assert owner.is_hidden("#saver")
    assert owner.input_value("#id_text").startswith("Dzien dobry")
    owner.keyboard.press("Control+z")
    assert owner.input_value("#id_text").startswith("Dzień dobry")
    owner.fill("#id_text", "Привет, " * 20)  # has no letters that look alike
    assert owner.is_hidden("#saver")
