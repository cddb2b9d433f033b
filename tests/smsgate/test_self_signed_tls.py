"""The certificate of the server's own making: what phones trust on a network without a name."""

from __future__ import annotations

import re
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from licenses.pairing import pairing_link
from phone_simulator.clock import SystemClock
from phone_simulator.device import Device
from phone_simulator.journal import Journal
from phone_simulator.pairing import PairingError, pair, read_invitation
from phone_simulator.transport import HttpTransport
from smsgate import config
from smsgate.operations.sandbox import free_port
from smsgate.web import self_signed_tls
from tests.smsgate.processes import up


def load(data_dir: Path, **given: str) -> config.Config:
    return config.load({"DATA_DIR": str(data_dir)} | given, data_dir / "no-dotenv")


def test_it_is_made_once_and_private(tmp_path: Path) -> None:
    given = load(tmp_path, TLS_PORT="8443")
    url, fingerprint = self_signed_tls.pairing_base(given)
    assert url == "https://127.0.0.1:8443"
    assert re.fullmatch("[0-9a-f]{64}", fingerprint)
    assert self_signed_tls.pairing_base(given) == (url, fingerprint)
    assert (tmp_path / "secrets" / "tls.pem").stat().st_mode & 0o777 == 0o600
    self_signed_tls.server_context(given)


def test_without_a_tls_port_the_public_url_is_enough(tmp_path: Path) -> None:
    given = load(tmp_path, PUBLIC_URL="https://sms.example")
    assert self_signed_tls.pairing_base(given) == ("https://sms.example", "")
    assert not (tmp_path / "secrets").exists()


def test_an_address_of_this_machine_stands_for_all(tmp_path: Path) -> None:
    url, _ = self_signed_tls.pairing_base(load(tmp_path, BIND="0.0.0.0"))
    assert re.fullmatch(r"https://[0-9.]+:8443", url)
    assert "0.0.0.0" not in url
    for given in (
        {"BIND": "192.0.2.7"},
        {"BIND": "0.0.0.0", "PUBLIC_URL": "http://192.0.2.7:8000"},
    ):
        assert self_signed_tls.pairing_base(load(tmp_path, **given))[0] == "https://192.0.2.7:8443"


def test_the_link_carries_the_fingerprint(settings: Any) -> None:
    settings.PAIRING_URL = "https://192.0.2.7:8443"
    settings.PAIRING_FINGERPRINT = ""
    assert pairing_link("AB-CD") == "https://192.0.2.7:8443/pair/#AB-CD"
    settings.PAIRING_FINGERPRINT = "0f" * 32
    invitation = read_invitation(pairing_link("AB-CD"))
    assert (invitation.code, invitation.pin) == ("AB-CD", "0f" * 32)


def test_a_damaged_fingerprint_is_refused() -> None:
    with pytest.raises(PairingError, match="damaged"):
        read_invitation("https://192.0.2.7:8443/pair/#AB-CD~0f0f")


def test_a_phone_pairs_over_tls_with_that_certificate_alone(data_dir: Path, tmp_path: Path) -> None:
    tls_port = free_port()
    with up(data_dir, TLS_PORT=str(tls_port)) as started:
        started.wait_until_ready()
        (link,) = re.findall(r"https://\S+/pair/#\S+", "\n".join(started.lines))
        invitation = read_invitation(link)
        assert invitation.base_url == f"https://127.0.0.1:{tls_port}"
        journal = Journal(tmp_path / "phone.sqlite3", SystemClock())
        for pin in (None, "0f" * 32):
            with pytest.raises(PairingError, match="did not answer"):
                pair(journal, HttpTransport(invitation.base_url, pin), invitation, Device())
        transport = HttpTransport(invitation.base_url, invitation.pin)
        pair(journal, transport, invitation, Device())
        assert journal.get("pin") == invitation.pin
        reply = transport.request("GET", "/companion/wait/", token="nonsense")
        assert reply.status == 401
        journal.close()
        with urllib.request.urlopen(f"{started.url}/healthz/", timeout=10) as plain:
            assert plain.status == 200
        with pytest.raises(urllib.error.URLError) as refused:
            urllib.request.urlopen(f"{invitation.base_url}/healthz/", timeout=10)
        assert isinstance(refused.value.reason, ssl.SSLError)
        assert started.stop() == 0
