"""`make pictures`: those of docs/console.md, of the real service at work. Look at them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page

from smsgate.config import PROJECT_DIR
from tests.console.test_story import log_in, pair, phone
from tests.smsgate.processes import Up, up

pytestmark = pytest.mark.timeout(300)

FOLDER = PROJECT_DIR / "docs" / "img"
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 800}

NAMES = ["Anna Nowak", "Jan Wiśniewski", "Zofia Wójcik", "Piotr Kowalczyk", "Ewa Zielińska"]
TEXTS = [
    "Dzień dobry, przypominamy o wizycie jutro o 10:00.",
    "Your order #12345 is on its way: 2-3 business days.",
    "Kod: 482913. Nie podawaj go nikomu.",
    "Paczka czeka w automacie WAW12A.",
]

# A fortnight that was, so that the chart shows something.
PAST = """
import datetime as dt, random
from messaging.models import DailyCount
random.seed(4)
for days in range(1, 90):
    sent, failed = random.randint(60, 230), random.randint(1, 15)
    for state, number in (("sent", sent), ("failed", failed), ("delivered", sent * 9 // 10)):
        DailyCount.objects.update_or_create(
            license_id=1, day=dt.date.today() - dt.timedelta(days=days), state=state,
            defaults={"number": number},
        )
"""

PAGES = {
    "overview": "", "send": "send/", "messages": "messages/", "message": "messages/1/",
    "conversations": "conversations/", "conversation": "conversations/1/",
    "template": "templates/1/",
    "exports": "messages/exports/", "opt-outs": "opt-outs/", "phones": "phones/",
    "keys": "keys/", "webhooks": "webhooks/", "webhook": "webhooks/1/",
    "settings": "settings/", "team": "team/", "person": "person/",
    "audit": "audit/", "appearance": "appearance/",
}  # fmt: skip


@pytest.fixture
def service() -> Iterator[Up]:
    settings = {
        "PUBLIC_URL": "https://sms.example.com",
        "EMAIL_URL": "smtp://127.0.0.1:25?from=sms@example.com",
    }
    with (
        tempfile.TemporaryDirectory(prefix="sms-") as folder,
        up(Path(folder) / "data", user=None, **settings) as started,
    ):
        started.wait_until_ready()
        yield started


def post(service: Up, path: str, given: object) -> None:
    (api_key,) = re.findall(r"api_key\s+(\S+)", "\n".join(service.lines))
    headers = {
        "X-Api-Key": api_key,
        "Authorization": f"Bearer {service.license_key}",
        "Content-Type": "application/json",
    }
    try:
        urlopen(Request(f"{service.url}{path}", json.dumps(given).encode(), headers)).close()
    except HTTPError as error:
        pytest.fail(error.read().decode())


def fill(service: Up, page: Page, journal: Path) -> None:
    """What a small business has after a while."""
    people = [
        {"name": name, "phone": f"+4850060070{n}", "group_name": "Customers"}
        for n, name in enumerate(NAMES)
    ]
    post(service, "/api/contacts/contacts/bulk/", {"contacts": people})
    messages = [
        {"external_id": f"order-{n}", "phone": f"+4850060070{n % 10}", "message": TEXTS[n % 4]}
        for n in range(14)
    ]
    post(service, "/api/messages/bulk/", {"messages": messages})
    pair(page, service, journal)
    phone("run", "--speed", "200", "--until-idle", journal=journal)
    for number, text in (("+48500600700", "Tak, będę"), ("+48500600703", "STOP")):
        phone("receive", number, text, journal=journal)
    phone("run", "--speed", "200", "--until-idle", journal=journal)
    post(service, "/api/webhooks/", {"url": "https://n8n.example.com/webhook/sms"})
    late = [
        {"external_id": f"late-{n}", "phone": f"+4850060071{n}", "message": TEXTS[n]}
        for n in range(3)
    ]
    post(service, "/api/messages/bulk/", {"messages": late})
    service.manage("shell", "--command", PAST)


def write_template(page: Page, service: Up) -> None:
    page.goto(f"{service.url}/console/templates/new/")
    page.fill("#name", "Order ready")
    page.fill("#id_text", "Hello {name}, your order {order} is ready at our shop in {city}.")
    page.click("text=Save")
    page.wait_for_url("**/console/templates/*/")


def shoot(page: Page, service: Up, name: str, path: str) -> None:
    page.goto(f"{service.url}/console/{path}")
    if name == "send":
        page.fill("#id_phone", "500 600 700")
        page.fill("#id_text", TEXTS[0] + " Prosimy o potwierdzenie.")
        page.click("text=Preview")
        page.wait_for_selector("#preview :text('+48')")
    if name == "person":
        page.fill("#sought", "500 600 700")
        page.press("#sought", "Enter")
        page.wait_for_selector("#kept")
    page.screenshot(path=FOLDER / f"console-{name}.png")


def test_every_page_is_taken(service: Up, browser: Browser) -> None:
    page = browser.new_context(locale="en-GB", viewport=DESKTOP).new_page()  # type: ignore[arg-type]
    page.goto(f"{service.url}/console/")
    page.screenshot(path=FOLDER / "console-login.png")
    log_in(page, service)
    page.screenshot(path=FOLDER / "console-first-steps.png")
    fill(service, page, service.data_dir.parent / "phone.sqlite3")
    write_template(page, service)
    for name, path in PAGES.items():
        shoot(page, service, name, path)
    page.goto(f"{service.url}/console/phones/")
    page.click("text=Pair a phone")
    page.wait_for_selector(".qr")
    page.screenshot(path=FOLDER / "console-pair.png")
    page.emulate_media(color_scheme="dark")
    shoot(page, service, "dark", "")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    for name, path in (("overview", ""), ("messages", "messages/"), ("phones", "phones/")):
        shoot(page, service, f"phone-{name}", path)
    if shutil.which("pngquant"):  # a third of the size
        taken = map(str, FOLDER.glob("console-*.png"))
        subprocess.run(["pngquant", "--force", "--ext=.png", "--strip", *taken], check=True)
