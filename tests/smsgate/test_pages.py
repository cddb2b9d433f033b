"""The pages as a browser shows them: real headless Chromium."""

from __future__ import annotations

import hashlib
import re
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page

from phone_simulator.pairing import read_invitation
from smsgate.operations.sandbox import free_port
from tests.conftest import Tenant
from tests.smsgate.processes import up

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_pairing_page_reads_the_code_from_the_fragment(live_server: Any, page: Page) -> None:
    page.goto(f"{live_server.url}/pair/#ABCD-EFGH-JKLM")
    assert page.inner_text("#code") == "ABCD-EFGH-JKLM"
    assert str(page.get_attribute("#open", "href")).startswith(
        "smsgate://pair?server=http%3A%2F%2Flocalhost"
    )
    assert page.is_hidden("#without-code")


def test_the_pairing_page_follows_a_second_link_in_the_same_tab(
    live_server: Any, page: Page
) -> None:
    page.goto(f"{live_server.url}/pair/")
    assert page.is_hidden("#with-code")
    for code in ("AAAA-BBBB-CCCC", "DDDD-EEEE-FFFF"):
        page.goto(f"{live_server.url}/pair/#{code}")
        page.wait_for_function(
            "code => document.getElementById('code').innerText == code", arg=code
        )
        assert f"code={code}" in str(page.get_attribute("#open", "href"))
    page.goto(f"{live_server.url}/pair/#")
    page.wait_for_selector("#without-code:visible")
    assert page.is_hidden("#with-code")


def test_a_pairing_code_can_be_typed(live_server: Any, page: Page) -> None:
    page.goto(f"{live_server.url}/pair/")
    page.fill("#typed", "no code!")
    page.press("#typed", "Enter")
    page.wait_for_selector("#no-code:visible")
    page.fill("#typed", " abcd-efgh-jklm ")
    page.press("#typed", "Enter")
    page.wait_for_selector("#with-code:visible")
    assert page.inner_text("#code") == "ABCD-EFGH-JKLM"


@pytest.mark.parametrize("fragment", ["<img src=x onerror=alert(1)>", "%", "%E0%A4%A", "~~", "A"])
def test_the_pairing_page_shows_nothing_that_is_no_code(
    live_server: Any, page: Page, fragment: str, complaints: list[str]
) -> None:
    page.goto(f"{live_server.url}/pair/#{fragment}")
    page.wait_for_selector("#without-code:visible")
    assert page.is_hidden("#with-code")
    assert complaints == []


def test_the_page_hands_on_the_servers_own_certificate_and_offers_the_app(
    data_dir: Path, page: Page
) -> None:
    """As after `make up BIND=0.0.0.0`: the browser warns of the certificate, its user goes on."""
    with up(data_dir, TLS_PORT=str(free_port())) as started:
        started.wait_until_ready()
        (link,) = re.findall(r"https://\S+/pair/#\S+", "\n".join(started.lines))
        app = data_dir / "apk" / "smsgate.apk"
        app.parent.mkdir()
        app.write_bytes(b"PK-an-app")
        page.goto(link)
        assert page.is_visible('#with-code a[href="/pair/smsgate.apk"]')
        invitation = read_invitation(str(page.get_attribute("#open", "href")))
        assert invitation == read_invitation(link)
        address = urlsplit(link)
        served = ssl.get_server_certificate((str(address.hostname), address.port or 443))
        certificate = ssl.PEM_cert_to_DER_cert(served)
        assert invitation.pin == hashlib.sha256(certificate).hexdigest()
        assert started.stop() == 0


def test_the_api_page_shows_every_route(
    live_server: Any, page: Page, complaints: list[str]
) -> None:
    page.goto(f"{live_server.url}/api/docs/")
    for path in ("/api/messages/bulk/", "/api/contacts/contacts/bulk/", "/api/events/"):
        page.wait_for_selector(f'[data-path="{path}"]')
    assert complaints == []


@pytest.mark.parametrize("path", ["/", "/pair/", "/pair/#ABCD-EFGH-JKLM", "/api/docs/", "/nothere"])
def test_no_page_scrolls_sideways_on_a_phone(live_server: Any, page: Page, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server.url}{path}")
    page.wait_for_load_state("networkidle")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390


def test_the_policy_stops_nothing_that_the_admin_needs(
    live_server: Any, page: Page, complaints: list[str], tenant: Tenant
) -> None:
    User.objects.create_superuser("operator", password="a long password")
    page.goto(f"{live_server.url}/admin/")
    page.fill("#id_username", "operator")
    page.fill("#id_password", "a long password")
    page.click("input[type=submit]")
    page.goto(f"{live_server.url}/admin/licenses/license/")
    page.check(".action-select")
    page.select_option("select[name=action]", "pair_phone")
    page.click("button[name=index]")
    page.wait_for_selector("code")
    for path in (
        "licenses/account/add/",
        f"licenses/account/{tenant.account.pk}/change/",
        "messaging/message/",
    ):
        page.goto(f"{live_server.url}/admin/{path}")
    assert complaints == []
