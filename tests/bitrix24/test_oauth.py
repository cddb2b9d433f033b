"""GET /bitrix24/<token>/oauth/: an administrator gives new tokens where the old ones were lost."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from unittest import mock

import pytest
from django.urls import reverse

from bitrix24 import portals
from bitrix24.models import Portal
from tests.bitrix24.conftest import install, tell_all
from tests.bitrix24.fake_portal import FakePortal, error
from tests.bitrix24.test_sms import sms
from tests.conftest import Api, Tenant, refused


def page(portal: Portal) -> str:
    return reverse("admin:bitrix24_portal_change", args=[portal.pk])


def come_back(api: Api, token: str, query: dict[str, str]) -> Any:
    return api.client.get(f"/bitrix24/{token}/oauth/", query)


class Killed(BaseException): ...


@pytest.fixture
def lost(
    api: Api, fake: FakePortal, token: str, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> Portal:
    """The worker died between the answer with new tokens and its commit. An SMS waits to be told of."""
    fake.expire()
    sms(api, token, "m1")
    with monkeypatch.context() as context:
        context.setattr(Portal, "save", mock.Mock(side_effect=Killed))
        with pytest.raises(Killed):
            tell_all()
    assert fake.renewals == 1
    tell_all()
    portal.refresh_from_db()
    assert (portal.state, portal.last_error) == ("broken", "invalid_grant")
    return portal


def test_lost_tokens_are_given_anew_by_a_link_of_the_admin(
    api: Api, fake: FakePortal, token: str, lost: Portal, admin_client: Any
) -> None:
    shown = admin_client.get(page(lost)).content.decode()
    [url] = re.findall(r'href="(https://[^"]+/oauth/authorize/[^"]+)"', shown)
    response = come_back(api, token, fake.authorize(unescape(url)))
    assert (response.status_code, response["Location"]) == (302, page(lost))
    lost.refresh_from_db()
    assert (lost.state, lost.last_error) == ("active", "")
    assert tell_all() == 1
    fake.expire()
    sms(api, token, "m2")
    assert tell_all() == 1  # the new refresh token is kept, too
    assert fake.statuses == [("m1", "queued"), ("m2", "queued")]


@pytest.mark.parametrize("code", ["", "made up"])
def test_a_code_that_is_none_is_shown_as_an_error(
    api: Api, fake: FakePortal, token: str, lost: Portal, code: str
) -> None:
    query = fake.authorize(portals.authorize_url(lost)) | {"code": code}
    if not code:
        refused(come_back(api, token, query), 400, "invalid", "code")
    else:
        assert come_back(api, token, query).status_code == 302
    lost.refresh_from_db()
    assert (lost.state, lost.last_error) == ("broken", "invalid_grant")


def test_a_code_is_good_once(api: Api, fake: FakePortal, token: str, lost: Portal) -> None:
    query = fake.authorize(portals.authorize_url(lost))
    come_back(api, token, query)
    come_back(api, token, query)
    lost.refresh_from_db()
    assert lost.last_error == "invalid_grant"


def test_tokens_of_another_portal_are_not_taken(
    api: Api, fake: FakePortal, token: str, lost: Portal
) -> None:
    query = fake.authorize(portals.authorize_url(lost))
    fake.member_id = "another"
    come_back(api, token, query)
    kept, lost = lost.refresh_token, Portal.objects.get()
    assert (lost.state, lost.last_error) == ("broken", "the tokens are another portal's")
    assert lost.refresh_token == kept


def test_what_the_admin_did_not_ask_for_is_refused(
    api: Api, fake: FakePortal, token: str, lost: Portal, tenant: Tenant
) -> None:
    query = fake.authorize(portals.authorize_url(lost))
    other = portals.create(tenant.license)
    fake.calls.clear()
    for wrong in (query | {"state": "made up"}, query | {"state": f"{query['state']}x"}):
        refused(come_back(api, token, wrong), 403, "forbidden")
    refused(come_back(api, other, query), 403, "forbidden")
    refused(come_back(api, "x" * 43, query), 404, "invalid_key")
    portals.uninstall(lost)
    refused(come_back(api, token, query), 403, "forbidden")
    assert fake.calls == []


def test_who_may_not_register_the_provider_is_told_so(
    api: Api, fake: FakePortal, token: str, lost: Portal
) -> None:
    fake.next_answers = [error(403, "ACCESS_DENIED")]
    come_back(api, token, fake.authorize(portals.authorize_url(lost)))
    lost.refresh_from_db()
    assert (lost.state, lost.last_error) == ("broken", "ACCESS_DENIED")


def test_the_link_is_there_for_a_complete_app_alone(api: Api, fake: FakePortal, token: str) -> None:
    assert portals.authorize_url(Portal.objects.get()) == ""
    install(api, fake, token)
    assert portals.authorize_url(Portal.objects.get()) == ""
