"""The whole way of somebody who has bought nothing but a SIM, from an empty folder, in a browser."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from smsgate.config import PROJECT_DIR
from tests.console.conftest import PASSWORD
from tests.smsgate.processes import Up, up

pytestmark = pytest.mark.timeout(240)

RECIPIENT = "+48601234567"
SOON = 30_000  # milliseconds: a phone that sends, and a network that delivers


@pytest.fixture
def service() -> Iterator[Up]:
    with tempfile.TemporaryDirectory(prefix="sms-") as folder, up(Path(folder) / "data") as started:
        started.wait_until_ready()
        yield started


def test_from_an_empty_folder_to_a_colleague_who_sees_what_a_viewer_may(
    service: Up, browser: Browser, complaints: list[str]
) -> None:
    admin = browser.new_context(locale="en-GB").new_page()
    admin.set_default_timeout(SOON)
    admin.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    log_in(admin, service)
    journal = service.data_dir.parent / "phone.sqlite3"
    pair(admin, service, journal)
    with phone_at_work(journal):
        send(admin)
        admin.wait_for_selector("#facts :text-is('delivered')")
    phone("receive", RECIPIENT, "Yes, I am coming", journal=journal)
    admin.goto(f"{service.url}/console/conversations/")
    with phone_at_work(journal):
        answer(admin)
    colleague = invite(admin, service, browser)
    colleague.goto(f"{service.url}/console/messages/")
    shown = colleague.inner_text("main")
    assert "234" not in shown  # numbers are masked
    for place in ("send", "conversations", "settings"):
        refused = colleague.goto(f"{service.url}/console/{place}/")
        assert refused is not None
        assert refused.status == 403
    assert complaints == []


def log_in(page: Page, service: Up) -> None:
    (password,) = re.findall(r"user: admin   password: (\S+)", "\n".join(service.lines))
    page.goto(f"{service.url}/console/")
    page.fill("#id_login", "admin")
    page.fill("#id_password", password)
    page.press("#id_password", "Enter")
    page.wait_for_selector("text=First steps")


def pair(page: Page, service: Up, journal: Path) -> None:
    page.goto(f"{service.url}/console/phones/")
    page.click("text=Pair a phone")
    code = page.inner_text(".code")
    page.wait_for_selector("[data-until]:text(':')")  # it is counted down
    phone("pair", code, "--server", service.url, journal=journal)
    page.wait_for_selector("#pairing :text('Paired:')")
    assert page.is_hidden(".code")


def send(page: Page) -> None:
    page.click("text=Send the first SMS")
    page.fill("#id_phone", "601 234 567")
    page.fill("#id_text", "Are you coming at 10?")
    page.click("text=Preview")
    assert "+48 601 234 567" in page.inner_text("#preview")
    page.press("#id_text", "Control+Enter")
    page.wait_for_url("**/console/messages/*/")


def answer(page: Page) -> None:
    page.click("text=Yes, I am coming")
    page.wait_for_url("**/console/conversations/*/")
    page.fill("#id_text", "See you then")
    page.press("#id_text", "Control+Enter")
    page.wait_for_selector("#talk .ours :text-is('See you then')")
    page.wait_for_selector("#talk .ours:last-child :text-is('delivered')")


def invite(page: Page, service: Up, browser: Browser) -> Page:
    page.goto(f"{service.url}/console/team/")
    page.fill("#name", "Jan")
    page.click("text=Make a link")
    colleague = browser.new_context(locale="en-GB").new_page()
    colleague.goto(page.inner_text(".link"))
    colleague.fill("#username", "jan")
    colleague.fill("#password", PASSWORD)
    colleague.click("text=Join")
    colleague.wait_for_selector("nav")
    return colleague


def phone(*arguments: str, journal: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "phone_simulator", *arguments, "--journal", str(journal)],
        cwd=PROJECT_DIR, stdout=subprocess.DEVNULL, check=True, timeout=60,
    )  # fmt: skip


@contextmanager
def phone_at_work(journal: Path) -> Iterator[None]:
    """The shipped phone, ten times as fast as a real one."""
    running = subprocess.Popen(
        [sys.executable, "-m", "phone_simulator", "run", "--speed", "10", "--journal", str(journal)],
        cwd=PROJECT_DIR, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        running.terminate()
        running.wait(30)
