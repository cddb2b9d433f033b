from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.smsgate.other_user import somebody
from tests.smsgate.processes import OtherUser, is_root
from tests.support.installs import install

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder that is not there yet, below a folder that only we can enter.

    Its path is short: a socket's path has room for 107 bytes, and pytest's own folders are long.
    """
    with tempfile.TemporaryDirectory(prefix="sms-") as folder:
        yield Path(folder) / "data"


@pytest.fixture(scope="session")
def nobody() -> Iterator[OtherUser]:
    """Another user who can run the project. Skips where there is none."""
    if not is_root:
        pytest.skip("only root can become another user")
    with somebody("nobody") as user:
        if user is None:
            pytest.skip("no user `nobody` here who can run Python in the project's folder")
        yield user


@pytest.fixture
def nobodys_data_dir(nobody: OtherUser) -> Iterator[Path]:
    """As `data_dir`, in a folder of that user's."""
    folder = Path(tempfile.mkdtemp(prefix="sms-"))
    shutil.chown(folder, nobody.name)
    try:
        yield folder / "data"
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium that may reach this machine only."""
    install("install_browser.sh")
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        pytest.skip("there is no chromium on this machine")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright's loop runs in this thread
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
            ],
        )  # fmt: skip
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser said on its console: refused scripts and styles, failed requests, errors."""
    return []


@pytest.fixture
def page(browser: Browser, complaints: list[str]) -> Iterator[Page]:
    context = browser.new_context(ignore_https_errors=True, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
