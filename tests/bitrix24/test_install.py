"""POST /bitrix24/<token>/install/ and …/events/: a portal comes, comes again, and goes."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from django.conf import LazySettings
from django.db import connection

from bitrix24 import calling, portals, sealing
from bitrix24.models import Portal, StatusPush
from http_api import clock
from tests.bitrix24.conftest import install, posted
from tests.bitrix24.fake_portal import (
    APPLICATION_TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    MEMBER_ID,
    FakePortal,
    error,
)
from tests.conftest import Api, Tenant, refused

EVENTS = ("ONAPPUNINSTALL", "ONCRMCONTACTADD", "ONCRMCONTACTUPDATE")


def test_an_installation_registers_the_provider_and_the_end(
    api: Api, fake: FakePortal, token: str
) -> None:
    response = install(api, fake, token)
    assert (response.status_code, response.json()) == (200, {"state": "incomplete"})
    assert fake.senders == {"smsgate": portals.link(token, "sms")}
    assert fake.events == [(event, portals.link(token, "events")) for event in EVENTS]
    rule = fake.rules["smsgate"]
    assert (rule["HANDLER"], rule["USE_SUBSCRIPTION"]) == (portals.link(token, "robot"), "Y")
    assert Portal.objects.get().member_id == MEMBER_ID


def test_without_the_permission_for_rules_there_is_the_provider_alone(
    api: Api, fake: FakePortal, token: str
) -> None:
    fake.has_bizproc = False
    assert install(api, fake, token).json() == {"state": "incomplete"}
    assert (list(fake.senders), fake.rules) == (["smsgate"], {})


def test_a_second_installation_is_taken_and_keeps_what_completed_the_first(
    api: Api, fake: FakePortal, token: str, portal: Portal
) -> None:
    fake.access_token = "access-of-the-second"
    assert install(api, fake, token).json() == {"state": "active"}
    assert fake.events == [(event, portals.link(token, "events")) for event in EVENTS]
    again = Portal.objects.get()
    assert (again.pk, again.client_id) == (portal.pk, CLIENT_ID)
    assert calling.call(again, "messageservice.sender.update", {"CODE": "smsgate", "HANDLER": "x"})


def test_no_secret_is_stored_as_it_is(portal: Portal, fake: FakePortal, token: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT p::text FROM bitrix24_portal AS p")
        (row,) = cursor.fetchone()
    assert fake.client_endpoint in row
    for secret in (fake.access_token, fake.refresh_token, CLIENT_SECRET, APPLICATION_TOKEN, token):
        assert secret not in row


def test_what_is_sealed_opens_in_its_own_row_and_column_alone(
    portal: Portal, settings: LazySettings
) -> None:
    stored = portal.refresh_token
    assert sealing.unseal(portal.pk, "refresh_token", stored) == "refresh-0"
    for row, column in ((portal.pk + 1, "refresh_token"), (portal.pk, "access_token")):
        with pytest.raises(InvalidTag):
            sealing.unseal(row, column, stored)
    settings.PEPPERS = settings.PEPPERS | {max(settings.PEPPERS) + 1: "b" * 64}
    assert sealing.unseal(portal.pk, "refresh_token", stored) == "refresh-0"


@pytest.mark.parametrize(
    ("auth", "field"),
    [
        ({"client_endpoint": "https://127.0.0.1:1/rest/"}, "client_endpoint"),
        ({"client_endpoint": "https://evil.example.com/rest/"}, "client_endpoint"),
        ({"client_endpoint": "http://localhost/rest/"}, "client_endpoint"),
        ({"member_id": "another"}, "client_endpoint"),
        ({"access_token": "made up"}, "access_token"),
        ({"refresh_token": ""}, "refresh_token"),
        ({"application_token": "x" * 501}, "application_token"),
    ],
)
def test_what_the_authorization_server_does_not_confirm_is_not_called(
    api: Api, fake: FakePortal, token: str, auth: dict[str, str], field: str
) -> None:
    refused(install(api, fake, token, **auth), 400, "invalid", field)
    assert set(fake.calls) <= {"/rest/app.info/"}
    assert Portal.objects.get().state == "waiting"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_portal_at_a_private_address_is_not_called_even_if_it_is_confirmed(
    api: Api, fake: FakePortal, token: str, settings: LazySettings, host: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    settings.WEBHOOK_PRIVATE_NETWORKS = ()
    said = {"member_id": fake.member_id, "client_endpoint": f"https://{host}:{fake.port}/rest/"}
    monkeypatch.setattr(calling, "app_info", lambda _: {"install": said})
    assert install(api, fake, token, **said).json() == {"state": "broken"}
    assert fake.calls == []


def test_a_link_serves_one_portal(
    api: Api, fake: FakePortal, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(api, fake, token)
    Portal.objects.update(member_id="another")
    refused(install(api, fake, token), 409, "conflict")


def test_a_licence_may_serve_two_portals(
    api: Api, fake: FakePortal, tenant: Tenant, token: str
) -> None:
    install(api, fake, token)
    fake.member_id = "another"
    install(api, fake, portals.create(tenant.license))
    assert Portal.objects.filter(state="incomplete").count() == 2


def test_the_newest_app_of_a_portal_takes_the_place_of_the_one_before(
    api: Api, fake: FakePortal, tenant: Tenant, token: str, portal: Portal
) -> None:
    StatusPush.objects.create(
        portal=portal, remote_id="m1", created_at=clock.now(), next_at=clock.now()
    )
    newer = portals.create(tenant.license)
    assert install(api, fake, newer).json() == {"state": "incomplete"}
    portal.refresh_from_db()
    assert (portal.state, portal.access_token, portal.client_secret) == ("uninstalled", "", "")
    assert not StatusPush.objects.exists()
    event = {"event": "ONAPPUNINSTALL", "auth[application_token]": APPLICATION_TOKEN}
    refused(posted(api, token, "events", event), 403, "forbidden")
    assert posted(api, newer, "events", event).json() == {"state": "uninstalled"}


def test_two_accounts_may_have_an_app_of_one_portal(
    api: Api, fake: FakePortal, token: str, portal: Portal, other_tenant: Tenant
) -> None:
    install(api, fake, portals.create(other_tenant.license))
    states = dict(Portal.objects.values_list("account_id", "state"))
    assert states == {
        portal.account_id: "active", other_tenant.keys.account_id: "incomplete",
    }  # fmt: skip


def test_a_portal_that_refuses_the_provider_is_shown_as_broken(
    api: Api, fake: FakePortal, token: str
) -> None:
    fake.next_answers = [error(403, "ACCESS_DENIED")]
    assert install(api, fake, token).json() == {"state": "broken"}
    assert Portal.objects.get().last_error == "ACCESS_DENIED"
    assert install(api, fake, token).json() == {"state": "incomplete"}


def test_an_unknown_link_is_not_found(api: Api, fake: FakePortal, tenant: Tenant) -> None:
    refused(install(api, fake, "x" * 43), 404, "invalid_key")
    assert fake.calls == []


@pytest.mark.parametrize("event", ["ONAPPUNINSTALL", "ONAPPSUNINSTALL"])
def test_an_uninstalled_portal_is_forgotten(
    api: Api, fake: FakePortal, token: str, portal: Portal, event: str
) -> None:
    form = {"event": event, "data[CLEAN]": "1"}
    wrong = form | {"auth[application_token]": "wrong"}
    refused(posted(api, token, "events", wrong), 403, "forbidden")
    refused(posted(api, token, "events", form), 403, "forbidden")
    assert Portal.objects.get().state == "active"
    right = form | {"auth[application_token]": APPLICATION_TOKEN}
    assert posted(api, token, "events", right).json() == {"state": "uninstalled"}
    gone = Portal.objects.get()
    assert (gone.access_token, gone.refresh_token, gone.client_secret) == ("", "", "")
    refused(posted(api, token, "sms", right), 403, "forbidden")


def test_no_log_holds_a_token(
    api: Api, fake: FakePortal, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    install(api, fake, token)
    install(api, fake, token, access_token="made up")
    assert any(record.name == "http_api.requests" for record in caplog.records)
    for secret in (token, fake.access_token, fake.refresh_token, APPLICATION_TOKEN, "made up"):
        assert secret not in caplog.text


def test_the_admin_makes_the_links_and_takes_the_secret(
    admin_client: Any, api: Api, fake: FakePortal, tenant: Tenant
) -> None:
    made = admin_client.post(
        "/admin/bitrix24/portal/add/", {"license": str(tenant.keys.license_id)}
    )
    (token,) = set(re.findall(r"/bitrix24/([\w-]{43})/install/", made.content.decode()))
    install(api, fake, token)
    page = f"/admin/bitrix24/portal/{Portal.objects.get().pk}/change/"
    form = {"client_id": CLIENT_ID, "secret": CLIENT_SECRET}
    assert admin_client.post(page, form).status_code == 302
    assert Portal.objects.get().state == "active"
    shown = admin_client.get(page).content.decode()
    assert CLIENT_ID in shown
    assert CLIENT_SECRET not in shown
