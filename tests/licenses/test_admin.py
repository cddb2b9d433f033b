"""What an operator does in the admin."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import segno
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from http_api.errors import ApiError
from licenses import tokens
from licenses.lookup import sender_by_key_pair, sender_by_license_key
from licenses.models import Account, ApiKey, Device, HookLink, License
from licenses.services import webhook_secret
from messaging.drafts import Draft
from messaging.models import Batch, Message, OptOut
from messaging.services import batches
from tests.conftest import Api, Phone, Tenant, pair_phone
from tests.delivery import Wire, accept, event, status


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("op"))
    return client


def _act(operator: Client, model: str, action: str, *ids: int) -> Any:
    return operator.post(
        f"/admin/{model}/", {"action": action, "_selected_action": ids}, follow=True
    )


def _shown(response: Any) -> dict[str, str]:
    """The secrets on the page that shows them once."""
    assert "no-store" in response["Cache-Control"]
    secrets: dict[str, str] = response.context_data["secrets"]
    for value in secrets.values():
        assert str(value) in response.content.decode()
    return secrets


def test_a_new_account_comes_with_keys_that_work(operator: Client) -> None:
    response = operator.post(
        "/admin/licenses/account/add/",
        {"name": "Acme", "country": "PL", "time_zone": "Europe/Warsaw", "key_length": "6",
         "sending_hours": "09:00-17:00", "max_daily_sms": "100"},
    )  # fmt: skip
    secrets = _shown(response)
    sender = sender_by_key_pair(secrets["license key"], secrets["api key"])
    assert (len(secrets["license key"]), sender.max_daily_sms) == (6, 100)
    assert Account.objects.get().name == "Acme"


@pytest.mark.parametrize(
    "wrong",
    [{"country": "XX"}, {"time_zone": "Mars/Base"}, {"sending_hours": "09:00"}, {"name": ""}],
)
def test_a_wrong_account_is_not_made(operator: Client, wrong: dict[str, str]) -> None:
    form = {"name": "Acme", "country": "PL", "time_zone": "Europe/Warsaw", "key_length": "12"}
    response = operator.post("/admin/licenses/account/add/", form | wrong)
    assert response.status_code == 200
    assert not Account.objects.exists()


def test_a_rotated_licence_key_replaces_the_old_one(operator: Client, tenant: Tenant) -> None:
    response = _act(operator, "licenses/license", "rotate_key", tenant.license.pk)
    [key] = _shown(response).values()
    assert sender_by_license_key(key).license_id == tenant.license.pk
    with pytest.raises(ApiError):
        sender_by_license_key(tenant.keys.license_key)


def test_rotated_api_keys_and_credentials_and_a_further_licence(
    operator: Client, tenant: Tenant
) -> None:
    api_key = _shown(_act(operator, "licenses/account", "rotate_api_keys", tenant.account.pk))
    sender_by_key_pair(tenant.keys.license_key, *api_key.values())
    _shown(_act(operator, "licenses/account", "add_license", tenant.account.pk))
    assert License.objects.count() == 2
    for action in ("show_webhook_secret", "rotate_webhook_secret"):
        secret = _shown(_act(operator, "licenses/account", action, tenant.account.pk))
        assert list(secret.values()) == [webhook_secret(tenant.account)]
    shown = _shown(_act(operator, "licenses/license", "rotate_credential", tenant.license.pk))
    assert len(shown) == 3


def test_a_licence_is_switched_off_and_on(operator: Client, tenant: Tenant) -> None:
    for action, is_active in (("deactivate", False), ("activate", True)):
        _act(operator, "licenses/license", action, tenant.license.pk)
        assert tenant.license.is_active is is_active


def test_a_pairing_code_comes_with_its_qr(
    operator: Client, tenant: Tenant, api: Api, settings: Any
) -> None:
    settings.PAIRING_FINGERPRINT = "0f" * 32
    settings.PAIRING_IS_LOCAL = False
    response = _act(operator, "licenses/license", "pair_phone", tenant.license.pk)
    [code] = _shown(response).values()
    link = f"{settings.PAIRING_URL}/pair/#{code}~{'0f' * 32}"
    assert (
        segno.make(link, error="l").svg_inline(scale=5, light="#fff") in response.content.decode()
    )
    body = {"code": code, "install_id": "x"}
    assert api.post("/companion/pair/", body).status_code == 201


def test_a_pairing_code_that_no_phone_can_open_comes_with_what_to_do_instead_of_its_qr(
    operator: Client, tenant: Tenant
) -> None:
    page = _act(operator, "licenses/license", "pair_phone", tenant.license.pk).content.decode()
    assert "Phones cannot reach http://127.0.0.1:8000" in page
    assert "segno" not in page


@pytest.mark.parametrize(
    ("model", "action", "said"),
    [
        ("licenses/license", "pair_phone", "Pair a phone"),
        ("licenses/license", "rotate_key", "Replace the licence key"),
        ("licenses/account", "show_webhook_secret", "Show the webhook secret"),
        ("licenses/license", "deactivate", "Deactivate"),
    ],
)
def test_an_action_is_written_to_the_admins_log_without_its_secret(
    operator: Client, tenant: Tenant, model: str, action: str, said: str
) -> None:
    pk = tenant.account.pk if model.endswith("account") else tenant.license.pk
    response = _act(operator, model, action, pk)
    [entry] = LogEntry.objects.all()
    assert (entry.object_id, entry.change_message) == (str(pk), said)
    assert entry.user.username == response.wsgi_request.user.get_username()
    if response.context and "secrets" in response.context:
        for secret in response.context["secrets"].values():
            assert str(secret) not in f"{entry.object_repr} {entry.change_message}"


def test_the_history_of_a_message_says_that_an_action_was_refused(
    operator: Client, api: Api, tenant: Tenant
) -> None:
    pk = api.post("/api/messages/", tenant.message()).json()["id"]
    _act(operator, "messaging/message", "was_sent", pk)
    said = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(said) == [
        "Uncertain: it was sent", "Refused: This message is pending, not uncertain.",
    ]  # fmt: skip


def test_times_in_the_admin_have_seconds_and_a_zone(operator: Client, tenant: Tenant) -> None:
    created = ApiKey.objects.get().created_at.astimezone(dt.UTC)
    for language in ("en", "pl"):
        page = operator.get("/admin/licenses/apikey/", headers={"Accept-Language": language})
        assert f"{created:%Y-%m-%d %H:%M:%S} UTC" in page.content.decode()


def test_phones_are_paused_resumed_replaced_and_unpaired(
    operator: Client, tenant: Tenant, phone: Phone, api: Api
) -> None:
    Wire(api, phone).sync(capacity=0, health={"battery": 71})
    assert "71 %" in operator.get("/admin/licenses/device/").content.decode()
    for action, is_paused in (("pause", True), ("resume", False)):
        _act(operator, "licenses/device", action, phone.device.pk)
        assert Device.objects.get().is_paused is is_paused
    _shown(_act(operator, "licenses/device", "pair_again", phone.device.pk))
    _act(operator, "licenses/device", "revoke", phone.device.pk)
    assert api.post("/companion/sync/", {}, **phone.headers).status_code == 401


@pytest.mark.parametrize(
    ("action", "after"),
    [("was_sent", "sent"), ("send_again", "pending"), ("give_up", "failed")],
)
def test_an_uncertain_message_is_resolved(
    operator: Client, tenant: Tenant, phone: Phone, api: Api, action: str, after: str
) -> None:
    message_id = accept(api, tenant)
    wire = Wire(api, phone)
    wire.claim()
    wire.report(event("unknown", message_id))
    _act(operator, "messaging/message", action, message_id)
    assert status(message_id) == after
    again = _act(operator, "messaging/message", action, message_id)
    assert "not uncertain" in again.content.decode()


def test_messages_are_shown_masked_with_their_timeline_and_never_edited(
    operator: Client, tenant: Tenant, api: Api, phone: Phone
) -> None:
    message_id = accept(api, tenant)
    Wire(api, phone).claim()
    listed = operator.get("/admin/messaging/message/").content.decode()
    assert "+48••••••789" in listed
    assert "+48123456789" not in listed
    page = operator.get(f"/admin/messaging/message/{message_id}/change/")
    assert "claim" in page.content.decode()
    changed = operator.post(f"/admin/messaging/message/{message_id}/change/", {"status": "sent"})
    assert changed.status_code == 403
    assert operator.get("/admin/messaging/message/add/").status_code == 403
    _act(operator, "messaging/message", "cancel", message_id)
    assert Message.objects.get().cancel_requested


def test_an_opt_out_cancels_what_waits(operator: Client, tenant: Tenant, api: Api) -> None:
    message_id = accept(api, tenant)
    operator.post(
        "/admin/messaging/optout/add/", {"account": tenant.account.pk, "phone": "123 456 789"}
    )
    assert OptOut.objects.get().phone == "+48123456789"
    assert status(message_id) == "cancelled"


def test_lists_cost_the_same_whatever_their_length(
    operator: Client, tenant: Tenant, api: Api, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        accept(api, tenant, f"m-{number}")
        pair_phone(tenant, f"install-{number}")
        batch = Batch(dialect="sms-by", callback_url="https://example.com/")
        batches.send(tenant.sender, batch, [Draft(phone="+48123456789", text="Hello")])
    for path in ("messaging/message", "licenses/device", "licenses/license", "licenses/account",
                 "licenses/apikey", "licenses/credential", "licenses/hooklink", "messaging/optout",
                 "messaging/inboundmessage", "messaging/event", "contacts/contact",
                 "contacts/contactgroup", "webhooks/delivery", "webhooks/endpoint"):  # fmt: skip
        with django_assert_max_num_queries(12):
            assert operator.get(f"/admin/{path}/").status_code == 200


def test_a_hook_link_is_made_seen_and_revoked(operator: Client, tenant: Tenant, api: Api) -> None:
    [url] = _shown(_act(operator, "licenses/license", "add_hook", tenant.license.pk)).values()
    path = url.removeprefix(settings.PUBLIC_URL)
    query = {"phone": "+48123456789", "message": "Hello"}
    assert api.client.get(path, query).status_code == 201
    tokens.issue(tokens.Kind.SESSION, tenant.license.pk)  # no hook link: not on this page
    listed = operator.get("/admin/licenses/hooklink/").content.decode()
    token = path.split("/")[2]
    assert token[:4] in listed
    assert token not in listed
    assert "1 hook link" in listed
    _act(operator, "licenses/hooklink", "revoke", HookLink.objects.get(kind="hook").pk)
    assert api.client.get(path, query).status_code == 404


def test_no_digest_is_ever_shown(operator: Client, tenant: Tenant) -> None:
    digest = tenant.license.key_digest
    for path in ("", f"{tenant.license.pk}/change/"):
        assert digest not in operator.get(f"/admin/licenses/license/{path}").content.decode()


def test_staff_without_permission_sees_nothing(tenant: Tenant) -> None:
    client = Client()
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    for path in ("licenses/account/add", "licenses/license", "messaging/message"):
        assert client.get(f"/admin/{path}/").status_code == 403


def test_every_page_has_an_icon(client: Client) -> None:
    response = client.get("/favicon.ico")
    assert (response.status_code, response["Content-Type"]) == (200, "image/svg+xml")
