"""The static app for Bitrix24, opened as a portal opens it: the files of the archive, with BX24.js."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, Route

PORTAL = "https://cdn.example.com/app"
LIBRARY = "https://api.bitrix24.com/api/v1/"
LINK = f"https://sms.example.com/hooks/{'k' * 43}/"
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
POLICY = f"default-src 'none'; style-src 'self'; script-src 'self' {LIBRARY}"

# BX24.js, as far as the app uses it; the portal's answers are put in by the test.
BX24 = """
const portal = %s;
window.calls = [];
window.BX24 = {
  init: (ready) => ready(),
  getLang: () => portal.language,
  installFinish: () => calls.push(["installFinish"]),
  callMethod(method, values, answered) {
    calls.push([method, values]);
    const error = portal.errors[method];
    const data = method.endsWith("list") ? portal.senders : true;
    answered({ error: () => error || false, data: () => data });
  },
};
"""

Opened = Callable[..., Page]


@pytest.fixture
def files() -> dict[str, bytes]:
    answer = Client().get("/bitrix24/app.zip")
    assert answer["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def opened(page: Page, files: dict[str, bytes]) -> Opened:
    """Open the app in a portal of this language, with these providers of the app and these errors."""

    def file(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        headers = {"Content-Security-Policy": POLICY}
        kind = TYPES[name.rpartition(".")[2]]
        route.fulfill(body=files[name], content_type=f"{kind}; charset=utf-8", headers=headers)

    def open_app(
        name: str = "install.html", language: str = "en", senders: Any = (), **errors: str
    ) -> Page:
        named = {f"messageservice.sender.{method}": words for method, words in errors.items()}
        portal = {"language": language, "senders": list(senders), "errors": named}
        script = BX24 % json.dumps(portal)
        page.route(f"{PORTAL}/*", file)
        page.route(LIBRARY, lambda route: route.fulfill(body=script, content_type=TYPES["js"]))
        page.goto(f"{PORTAL}/{name}")
        return page

    return open_app


def connect(page: Page, link: str = LINK) -> list[Any]:
    """Type the link and press the button; return what the portal was asked since."""
    page.evaluate("calls.length = 0")
    page.fill("#link", link)
    page.click("button")
    calls: list[Any] = page.evaluate("calls")
    return calls


def test_a_portal_finds_its_pages_at_the_root_of_the_archive(files: dict[str, bytes]) -> None:
    assert {"index.html", "install.html", "app.js", "app.css"} == set(files)


def test_it_registers_the_link_and_ends_the_installation(
    opened: Opened, complaints: list[str]
) -> None:
    page = opened()
    assert page.is_hidden("#outside")
    asked, added, finished = connect(page, f" {LINK} ")
    assert asked[0] == "messageservice.sender.list"
    assert added[0] == "messageservice.sender.add"
    assert (added[1]["TYPE"], added[1]["CODE"], added[1]["HANDLER"]) == ("SMS", "smsgate", LINK)
    assert finished == ["installFinish"]
    assert page.is_visible("#connected")
    assert complaints == []


def test_another_link_takes_the_place_of_the_one_in_use(opened: Opened) -> None:
    page = opened("index.html", senders=["smsgate"])
    assert page.is_visible("#connected")
    assert [call[0] for call in connect(page)][1:] == [
        "messageservice.sender.update",
        "installFinish",
    ]


@pytest.mark.parametrize(
    "link",
    [
        LINK.replace("https", "http"),
        f"{LINK}?phone=1",
        f"{LINK}#x",
        "https://sms.example.com/",
        "https://sms.example.com/hooks/TOKEN/",
    ],
)
def test_what_is_no_hook_link_is_not_registered(opened: Opened, link: str) -> None:
    page = opened()
    assert connect(page, link) == []
    assert page.is_visible("#no-link")


def test_a_refusal_is_shown_and_the_installation_stays_open(opened: Opened) -> None:
    page = opened(add="ACCESS_DENIED: Access denied!")
    assert ["installFinish"] not in connect(page)
    assert "ACCESS_DENIED: Access denied!" in page.inner_text("#refused")
    assert page.is_hidden("#connected")


@pytest.mark.parametrize(
    ("language", "shown", "hidden"), [("pl", "Połącz", "Connect"), ("ru", "Connect", "Połącz")]
)
def test_it_speaks_the_portals_language(
    opened: Opened, language: str, shown: str, hidden: str
) -> None:
    text = opened(language=language).inner_text("body")
    assert shown in text
    assert hidden not in text


@pytest.mark.parametrize("language", ["en", "pl"])
def test_it_does_not_scroll_sideways_on_a_phone(opened: Opened, page: Page, language: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    opened(language=language, add="x" * 300)
    connect(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_outside_a_portal_it_says_where_it_belongs(page: Page, opened: Opened) -> None:
    opened()
    page.route(LIBRARY, lambda route: route.abort())
    page.reload()
    assert page.is_visible("#outside")
    assert page.is_hidden("#connect")
