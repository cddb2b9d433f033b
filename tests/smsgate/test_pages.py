"""The pages as a browser shows them: real headless Chromium."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine"),
    pytest.mark.django_db(transaction=True),
]


def _rendered(url: str, profile: Path) -> str:
    """The page's HTML after its scripts have run. The browser may reach this machine only."""
    assert CHROMIUM is not None
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-dev-shm-usage", f"--user-data-dir={profile}", "--virtual-time-budget=8000",
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost", "--dump-dom", url,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_the_pairing_page_reads_the_code_from_the_fragment(
    live_server: Any, tmp_path: Path
) -> None:
    page = _rendered(f"{live_server.url}/pair/#ABCD-EFGH-JKLM", tmp_path)
    assert ">ABCD-EFGH-JKLM</p>" in page
    assert "smsgate://pair?server=http%3A%2F%2Flocalhost" in page
    assert 'id="without-code" hidden' in page


def test_the_pairing_page_shows_nothing_that_is_no_code(live_server: Any, tmp_path: Path) -> None:
    page = _rendered(f"{live_server.url}/pair/#<img src=x onerror=alert(1)>", tmp_path)
    assert 'id="with-code" hidden' in page


def test_the_api_page_shows_every_route(live_server: Any, tmp_path: Path) -> None:
    page = _rendered(f"{live_server.url}/api/docs/", tmp_path)
    for path in ("/api/messages/bulk/", "/api/contacts/contacts/bulk/", "/companion/sync/"):
        assert f'data-path="{path}"' in page
