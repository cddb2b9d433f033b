"""The pages as a browser shows them: real headless Chromium."""

from __future__ import annotations

import hashlib
import html
import re
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from phone.pairing import read_invitation
from smsgate.trial import free_port
from tests.smsgate.processes import up

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine"),
    pytest.mark.django_db(transaction=True),
]


def _rendered(url: str, profile: Path, *more: str) -> str:
    """The page's HTML after its scripts have run. The browser may reach this machine only."""
    assert CHROMIUM is not None
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-dev-shm-usage", f"--user-data-dir={profile}", "--virtual-time-budget=8000",
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1", *more,
        "--dump-dom", url,
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


def test_the_page_hands_on_the_servers_own_certificate_and_offers_the_app(
    data_dir: Path, tmp_path: Path
) -> None:
    """As after `make up BIND=0.0.0.0`: the browser warns of the certificate, its user goes on."""
    with up(data_dir, TLS_PORT=str(free_port())) as started:
        started.wait_until_ready()
        (link,) = re.findall(r"https://\S+/pair/#\S+", "\n".join(started.lines))
        app = data_dir / "apk" / "smsgate.apk"
        app.parent.mkdir()
        app.write_bytes(b"PK-an-app")
        page = _rendered(link, tmp_path, "--ignore-certificate-errors")
        assert 'href="/pair/smsgate.apk"' in page
        (for_the_app,) = re.findall(r'href="(smsgate://[^"]+)"', page)
        invitation = read_invitation(html.unescape(for_the_app))
        assert invitation == read_invitation(link)
        address = urlsplit(link)
        served = ssl.get_server_certificate((str(address.hostname), address.port or 443))
        certificate = ssl.PEM_cert_to_DER_cert(served)
        assert invitation.pin == hashlib.sha256(certificate).hexdigest()
        assert started.stop() == 0


def test_the_api_page_shows_every_route(live_server: Any, tmp_path: Path) -> None:
    page = _rendered(f"{live_server.url}/api/docs/", tmp_path)
    for path in ("/api/messages/bulk/", "/api/contacts/contacts/bulk/", "/companion/sync/"):
        assert f'data-path="{path}"' in page
