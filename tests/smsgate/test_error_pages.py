"""Refusals outside the API: a page for a browser, JSON for a program, in the reader's language."""

from __future__ import annotations

import gettext
import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, reverse
from django.utils import translation

from smsgate.config import PROJECT_DIR
from smsgate.urls import urlpatterns
from tests.conftest import Api, Tenant, refused

# As Chromium, Firefox and Safari send it.
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
API_PATHS = [
    "/api/nothere/", "/companion/nothere/", "/API/v1.0/REST/nothere", "/dialects/smsend/nothere",
    "/api/3rdparty/v1/nothere", "/api/v1/nothere", "/api/messages/1/",
]  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path", ["/nothere", "/console/nothere", "/pair/nothere", "/hooks/unknown-token/"]
)
def test_a_browser_reads_a_page_where_there_is_nothing(api: Api, path: str) -> None:
    response = api.client.get(path, headers={"Accept": BROWSER})
    assert response.status_code == 404
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert "Accept" in response["Vary"]
    page = response.content.decode()
    assert '<html lang="en">' in page
    assert "<title>404 – smsgate</title>" in page
    assert "<main>" in page


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/json",
        "application/json, text/plain, */*",
        "text/html, image/gif, image/jpeg, */*; q=0.2",  # Java's URLConnection
        "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",  # and its older ones
    ],
)
@pytest.mark.parametrize("path", ["/nothere", "/hooks/unknown-token/"])
def test_a_program_reads_json_where_there_is_nothing(api: Api, path: str, accept: str) -> None:
    code = "not_found" if path == "/nothere" else "invalid_key"
    refused(api.client.get(path, headers={"Accept": accept} if accept else {}), 404, code)


@pytest.mark.parametrize("path", API_PATHS)
def test_the_api_answers_json_to_a_client_that_would_take_a_page(api: Api, path: str) -> None:
    response = api.client.get(path, headers={"Accept": BROWSER})
    assert response.status_code in {400, 401, 404}
    assert response["Content-Type"].startswith("application/json")


def test_a_post_to_a_page_is_told_so_in_the_clients_form(api: Api) -> None:
    refused(api.client.post("/pair/"), 405, "method_not_allowed")
    response = api.client.post("/pair/", headers={"Accept": BROWSER})
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
    assert response["Content-Type"].startswith("text/html")


def test_a_fault_shows_a_browser_its_incident(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smsgate.pages.views.render", lambda *_: 1 / 0)
    response = api.client.get("/", headers={"Accept": BROWSER})
    assert response.status_code == 500
    assert "Incident " in response.content.decode()


def test_pages_and_their_errors_speak_polish(api: Api) -> None:
    polish = {"Accept": BROWSER, "Accept-Language": "pl,en;q=0.5"}
    assert "Sparuj ten telefon" in api.client.get("/pair/", headers=polish).content.decode()
    page = api.client.get("/nothere", headers=polish).content.decode()
    assert '<html lang="pl">' in page
    assert "Pod tym adresem nic nie ma" in page


def test_a_polish_page_leaves_the_apis_next_answer_english(api: Api, tenant: Tenant) -> None:
    api.client.get("/admin/login/", headers={"Accept-Language": "pl"})
    assert translation.get_language() == "en"
    response = api.client.get("/nothere", headers={"Accept-Language": "pl"})
    assert "There is nothing" in refused(response, 404, "not_found")["message"]


def test_every_page_has_a_policy_and_no_api_answer_pays_for_it(api: Api, tenant: Tenant) -> None:
    for path in ("/", "/pair/", "/api/docs/", "/admin/login/", "/nothere"):
        policy = api.client.get(path, headers={"Accept": BROWSER})["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
    assert "Content-Security-Policy" not in api.get("/api/me/", tenant).headers


PLAIN_ROUTES = [
    route.name
    for route in urlpatterns
    if isinstance(route, URLPattern) and not route.pattern.regex.groups
]


@pytest.mark.parametrize("name", PLAIN_ROUTES)
def test_each_route_that_answers_html_is_known_as_a_page(client: Client, name: str) -> None:
    """Else nothing would tell its browser which scripts to run, or that it stands in nobody's frame."""
    response = client.get(reverse(name), headers={"Accept": BROWSER, "Accept-Language": "pl"})
    if response["Content-Type"].startswith("text/html") and response.status_code == 200:
        assert "default-src 'none'" in response["Content-Security-Policy"]
        assert response["X-Frame-Options"] == "DENY"
        assert '<html lang="pl">' in response.content.decode()


def test_the_pages_are_among_the_routes_that_are_looked_at() -> None:
    assert {"home", "pair", "docs"} <= set(PLAIN_ROUTES)


@pytest.mark.parametrize(("header", "path"), [("Origin", ""), ("Referer", "/admin/login/")])
def test_a_login_behind_a_proxy_without_public_url_names_the_setting(
    settings: Any, header: str, path: str
) -> None:
    seen = "https://sms.example.com"
    headers = {"Accept": BROWSER, header: f"{seen}{path}"}
    response = Client(enforce_csrf_checks=True).post("/admin/login/", headers=headers)
    assert response.status_code == 403
    page = response.content.decode()
    assert f"PUBLIC_URL={seen}" in page
    assert settings.PUBLIC_URL in page


def test_a_form_without_its_token_says_to_load_the_page_again(api: Api) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/admin/login/", headers={"Accept": BROWSER})
    assert response.status_code == 403
    assert "load the page again" in response.content.decode()
    refused(client.post("/admin/login/"), 403, "forbidden")


CATALOGUE = Path("locale/pl/LC_MESSAGES/django")


def entries(app: str) -> dict[str, str]:
    """The texts of a catalogue and their Polish ones, as its source has them."""
    source = (PROJECT_DIR / app / CATALOGUE).with_suffix(".po").read_text(encoding="utf-8")
    pairs = re.findall(
        r'^msgid "(.+)"\n(?:msgid_plural .+\n)?msgstr(?:\[0\])? "(.*)"$', source, re.MULTILINE
    )
    return {text.replace('\\"', '"'): polish.replace('\\"', '"') for text, polish in pairs}


def texts_of(template: Path) -> list[str]:
    html = template.read_text(encoding="utf-8")
    shown = [text for _, text in re.findall(r"""{% translate (["'])(.+?)\1 %}""", html)]
    blocks = re.findall(
        r"{% blocktranslate[^%]*%}(.+?){% (?:plural|endblocktranslate) %}", html, re.S
    )
    return shown + [re.sub(r"{{ (\w+) }}", r"%(\1)s", " ".join(block.split())) for block in blocks]


@pytest.mark.parametrize("app", ["smsgate", "console"])
def test_every_text_of_a_page_is_in_the_polish_catalogue(app: str) -> None:
    """The compiled catalogue holds just what its source says, and no text is missing."""
    compiled = (PROJECT_DIR / app / CATALOGUE).with_suffix(".mo")
    catalogue = gettext.GNUTranslations(io.BytesIO(compiled.read_bytes()))
    for text, polish in entries(app).items():
        assert polish, f"not translated: {text}"
        found = {
            catalogue.gettext(text),
            catalogue.ngettext(text, "", 1),
            catalogue.pgettext("state", text),
        }
        assert polish in found
    known = entries("smsgate") | entries("console")
    for template in (PROJECT_DIR / app / "templates").rglob("*.html"):
        for text in texts_of(template):
            assert text in known, f"{template.name}: {text}"
