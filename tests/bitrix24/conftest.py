"""A pretended portal, and an app of it that is installed."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import LazySettings

from bitrix24 import portals, tending
from bitrix24.models import Portal
from http_api import outgoing
from tests.bitrix24.fake_portal import CLIENT_ID, CLIENT_SECRET, FakePortal, fake_portal
from tests.conftest import Api, Tenant
from tests.support.certificates import certificate


@pytest.fixture
def fake(
    settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakePortal]:
    file = certificate(tmp_path, "localhost")
    context = ssl.create_default_context(cafile=str(file))
    monkeypatch.setattr(outgoing, "_tls", lambda: context)
    settings.WEBHOOK_PRIVATE_NETWORKS = ("127.0.0.1", "::1")
    with fake_portal(file) as found:
        settings.BITRIX24_OAUTH_URL = found.url
        yield found


@pytest.fixture
def token(tenant: Tenant) -> str:
    return portals.create(tenant.license)


def posted(api: Api, token: str, action: str, form: dict[str, str]) -> Any:
    """POST as a portal does: a form, with brackets in its names."""
    kind = "application/x-www-form-urlencoded"
    path = f"/bitrix24/{token}/{action}/"
    return api.client.generic("POST", path, urlencode(form), content_type=kind)


def install(api: Api, fake: FakePortal, token: str, **auth: str) -> Any:
    form = {"event": "ONAPPINSTALL", "data[VERSION]": "1", "ts": "1466439714"}
    return posted(api, token, "install", form | fake.auth(**auth))


@pytest.fixture
def portal(api: Api, fake: FakePortal, token: str) -> Portal:
    """One that is installed and complete."""
    assert install(api, fake, token).status_code == 200
    portals.complete(Portal.objects.get(), CLIENT_ID, CLIENT_SECRET)
    return Portal.objects.get()


def tell_all() -> int:
    """Look after each portal once, one after another; how many statuses were taken and pages given."""
    return sum(tending.tend(portal) for portal in tending.connected())
