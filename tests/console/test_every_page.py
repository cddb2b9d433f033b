"""Every page that people open, in real headless Chromium: none is named here, a new one is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib import admin
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from console.urls import urlpatterns
from contacts.models import Contact, ContactGroup, Import, Membership, Template
from http_api import clock
from http_api.error_codes import ErrorCode
from licenses import services as licenses
from licenses.models import PairingCode
from messaging.models import InboundMessage, Message, OptOut, Thread
from messaging.services import opt_outs, threads
from smsgate.pages.error_pages import error_page
from tests.conftest import Api, Phone, Tenant
from tests.console.conftest import logged_in, person
from tests.console.test_access import READ, told
from tests.console.test_in_a_browser import _from_here, some_of_everything
from tests.http_api.live import Server, server
from tests.mail_server import MailServer
from webhooks import endpoints
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["server"]

NARROW: ViewportSize = {"width": 390, "height": 844}
WIDE: ViewportSize = {"width": 1280, "height": 900}


def without_arguments(routes: Any, before: str = "") -> Iterator[str]:
    """The paths of all routes that need no argument."""
    for route in routes:
        if isinstance(route, URLResolver):
            yield from without_arguments(route.url_patterns, before + str(route.pattern))
        elif isinstance(route, URLPattern) and not route.pattern.regex.groups:
            yield "/" + (before + str(route.pattern)).replace("^", "").replace("/?$", "/").lstrip(
                "/"
            )


FILES = {"export_fetch", "import_refused"}


def pages(client: Client) -> list[str]:
    """The addresses that answer a page to somebody who is logged in, and those of some rows."""
    paths = [path for path in without_arguments(get_resolver().url_patterns) if "$" not in path]
    rows = {
        "message": Message, "contact": Contact, "import": Import, "template": Template,
        "thread": Thread, "webhook": Endpoint, "pairing": PairingCode,
    }  # fmt: skip
    delivery = Delivery.objects.get()
    of_rows = [
        reverse(f"console:{name}", args=[model._base_manager.latest("pk").pk])
        for name, model in rows.items()
    ] + [reverse("console:delivery", args=[delivery.endpoint_id, delivery.pk])]
    with_ids = {str(one.name) for one in urlpatterns if "<" in str(one.pattern)}
    assert with_ids & READ == {*rows, "delivery"} | FILES, "a page that nobody looks at"
    return [path for path in dict.fromkeys([*paths, *of_rows]) if _is_page(client.get(path))]


def pages_of_rows() -> Iterator[str]:
    """Of each kind of row in the admin: the page of its app, and that of the newest row."""
    for model in admin.site._registry:
        name, row = f"admin:{model._meta.label_lower.replace('.', '_')}", model._base_manager.last()
        yield reverse("admin:app_list", args=[model._meta.app_label])
        if row is not None:
            others = ("history", "delete") if model is Contact else ()
            yield from (reverse(f"{name}_{page}", args=[row.pk]) for page in ("change", *others))


def _is_page(response: Any) -> bool:
    is_html: bool = response.headers.get("Content-Type", "").startswith("text/html")
    return is_html and bool(response.status_code == 200)


@pytest.fixture
def site(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}"


@pytest.fixture
def client(api: Api, tenant: Tenant, phone: Phone, mails: MailServer) -> Client:
    """Somebody who is owner of the account and administrator of the installation, and some rows."""
    some_of_everything(api, tenant, phone)
    account = {"account": tenant.account}
    opt_outs.opt_out(tenant.account.pk, "+48600000001", OptOut.Source.API)
    for number in ("+48600100200", "SHOP" * 4, "W" * 60):
        opened = threads.opened(tenant.account.pk, number)
        for text in ("Hello", "W" * 200):
            heard = {"device": phone.device, "event_id": uuid4(), "received_at": clock.now()}
            InboundMessage.objects.create(account=tenant.account, sender=number, text=text, **heard)
        Thread.objects.filter(pk=opened.pk).update(unread=2)
    endpoint, _ = endpoints.subscribe(
        tenant.sender, f"https://example.org/{'x' * 200}", name="W" * 100, event_types=[],
        only_license=False,
    )  # fmt: skip
    told(endpoint)
    licenses.new_pairing_code(tenant.license)
    group = ContactGroup.objects.create(name="Friends", **account)
    contact = Contact.objects.create(phone="+48600100200", name="Ola", **account)
    Membership.objects.create(contact=contact, contactgroup=group, **account)
    rights: Any = {"is_superuser": True, "is_staff": True, "email": "olga@example.org"}
    return logged_in(person("olga", tenant, **rights))


Look = Callable[[str], list[str]]
THEMES = [("light", "dark"), ("dark", "light")]


@pytest.fixture(params=THEMES, ids=lambda theme: "-".join(filter(None, theme)))
def context(
    request: Any, browser: Browser, client: Client, site: str, settings: Any
) -> Iterator[BrowserContext]:
    """That person's browser, with the theme of its system and one that they chose."""
    system, chosen = request.param
    context = browser.new_context(locale="en-GB", color_scheme=system, viewport=WIDE)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    cookies = {settings.SESSION_COOKIE_NAME: session, "theme": chosen}
    context.add_cookies([{"name": n, "value": v, "url": site} for n, v in cookies.items() if v])
    context.dark = (chosen or system) == "dark"  # type: ignore[attr-defined]
    yield context
    context.close()


@pytest.fixture
def look(context: BrowserContext, site: str, complaints: list[str]) -> Look:
    """Open a page; return what is wrong with it."""
    page, axe = context.new_page(), Axe()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: _from_here(asked.url, site, complaints))

    def faults(path: str) -> list[str]:
        page.set_viewport_size(WIDE)
        page.goto(f"{site}{path}", wait_until="load")
        if page.query_selector("#swagger"):
            page.wait_for_selector("[data-path]")
        found = axe.run(page, options={"preload": False, "resultTypes": ["violations"]}).response[
            "violations"
        ]
        wrong = [
            f"{one['id']}: {one['nodes'][0]['html'][:200]}"
            for one in found
            if one["impact"] in {"serious", "critical"}
        ]
        if is_dark(page) != context.dark:  # type: ignore[attr-defined]
            wrong.append("not in the theme that was chosen")
        page.set_viewport_size(NARROW)
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > NARROW["width"]:
            wrong.append(f"scrolls sideways: {wide}")
        wrong += complaints
        complaints.clear()
        return [f"{path}: {one}" for one in wrong]

    return faults


def is_dark(page: Page) -> bool:
    color = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(int, color.removeprefix("rgb(").removesuffix(")").split(","))) < 3 * 128


# Of a hundred pages each is looked at in two themes.
PARTS = ("/", "/account/", "/console/", "/admin/")


def test_a_page_follows_the_theme_of_the_system_until_one_is_chosen(
    browser: Browser, site: str, client: Client, settings: Any
) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    for path in ("/", "/api/docs/", "/account/login/", "/admin/login/", "/nothere"):
        page.goto(f"{site}{path}")
        assert is_dark(page), path
    context.close()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("part", PARTS)
def test_each_page_is_read_by_everybody_in_each_theme_and_on_a_phone(
    client: Client, look: Look, part: str
) -> None:
    paths = [
        one for one in pages(client) if part == next(p for p in PARTS[::-1] if one.startswith(p))
    ]
    assert len(paths) >= 3
    assert [fault for path in paths for fault in look(path)] == []


@pytest.mark.timeout(400)
def test_each_row_of_the_admin_is_read_by_everybody_in_each_theme_and_on_a_phone(
    client: Client, look: Look
) -> None:
    paths = list(dict.fromkeys(pages_of_rows()))
    assert len(paths) >= 20
    assert [fault for path in paths for fault in look(path)] == []


def test_each_error_is_read_by_everybody_in_each_theme_and_on_a_phone(
    look: Look, context: BrowserContext, rf: RequestFactory
) -> None:
    answers: list[HttpResponse] = []
    context.route("**/error", lambda route: _fulfil(route, answers[-1]))
    wrong = []
    for status in sorted({code.status for code in ErrorCode}):
        request = rf.get("/error", headers={"Accept": "text/html"})
        request.COOKIES = {one["name"]: one["value"] for one in context.cookies()}
        words = "Too much was asked for at once; try again in 40 s."
        answers.append(error_page(request, status, words))
        # The browser says itself that the page is an error.
        wrong += [one for one in look("/error") if "the server responded with a status" not in one]
    assert len(answers) > 8
    assert wrong == []


def _fulfil(route: Any, answer: HttpResponse) -> None:
    route.fulfill(status=answer.status_code, headers=dict(answer.items()), body=answer.content)
