"""A phone gets the app from its own server, where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client


@pytest.fixture
def apk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path)
    return tmp_path / "apk" / "smsgate.apk"


def test_it_offers_the_app_that_was_built(apk: Path, client: Client) -> None:
    apk.parent.mkdir()
    apk.write_bytes(b"PK-an-app")
    assert b'href="/pair/smsgate.apk"' in client.get("/pair/").content
    answer: Any = client.get("/pair/smsgate.apk")
    assert answer.getvalue() == b"PK-an-app"
    assert answer["Content-Type"] == "application/vnd.android.package-archive"
    assert "smsgate.apk" in answer["Content-Disposition"]


def test_it_offers_nothing_where_none_was_built(apk: Path, client: Client) -> None:
    assert b"smsgate.apk" not in client.get("/pair/").content
    assert client.get("/pair/smsgate.apk").status_code == 404
