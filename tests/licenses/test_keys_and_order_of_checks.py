"""Where a key may stand, what each wrong one answers, and in which order a request is checked."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest
import redis as redis_library
from django.db import transaction

from http_api import redis
from http_api.errors import ApiError
from licenses import keys, lookup, services, tokens
from licenses.models import Account, ApiKey, Credential, License, Token
from messaging.models import Message
from smsgate import config
from tests.conftest import Api, ManualClock, Tenant, in_threads, refused

MESSAGE_ROUTES = ["/api/messages/", "/api/messages/bulk/"]
OWN_ROUTES = ["/api/inbox/", "/api/opt-outs/", "/api/me/"]
READ_ROUTES = [*OWN_ROUTES, "/api/messages/"]
PAIR_ROUTES = [
    "/api/contacts/contacts/",
    "/api/contacts/contacts/bulk/",
    "/api/contacts/groups/",
    "/api/contacts/groups/bulk/",
]
JSON = "application/json"

# --- where keys stand --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        lambda key: {"Authorization": f"Bearer {key}"},
        lambda key: {"Authorization": f"bearer {key} "},
        lambda key: {"X-License-Key": key},
        lambda key: {"x-license-key": key},
    ],
)
@pytest.mark.parametrize("length", [6, 12])
def test_a_licence_key_may_stand_in_a_header(
    api: Api, db: None, headers: Callable[[str], dict[str, str]], length: int
) -> None:
    tenant = Tenant(services.provision("Alice", key_length=length))
    given = headers(tenant.keys.license_key)
    body = tenant.message()
    del body["license__key"]
    response = api.client.post("/api/messages/", json.dumps(body), JSON, headers=given)
    assert response.status_code == 201, response.content
    for path in READ_ROUTES:
        assert api.client.get(path, headers=given).status_code == 200
    group = json.dumps({"api_key": tenant.keys.api_key, "name": "VIP"})
    response = api.client.post("/api/contacts/groups/", group, JSON, headers=given)
    assert response.status_code == 201, response.content


@pytest.mark.parametrize("in_body", [(), ("key",), ("api_key",), ("key", "api_key")])
def test_each_key_of_a_pair_may_stand_in_a_header_or_the_body(
    api: Api, tenant: Tenant, in_body: tuple[str, ...]
) -> None:
    pair = tenant.with_keys()
    headers = {"X-License-Key": pair["key"], "X-Api-Key": pair["api_key"]}
    for name in in_body:
        del headers["X-License-Key" if name == "key" else "X-Api-Key"]
    body = {name: pair[name] for name in in_body} | {"name": "VIP"}
    response = api.client.post("/api/contacts/groups/", json.dumps(body), JSON, headers=headers)
    assert response.status_code == 201, response.content


def test_the_key_in_the_body_counts_before_the_header(
    api: Api, tenant: Tenant, other_tenant: Tenant
) -> None:
    assert api.post("/api/messages/", tenant.message(), **other_tenant.headers).status_code == 201
    assert Message.objects.get().account_id == tenant.keys.account_id


@pytest.mark.parametrize("scheme", ["Basic", "Token", "", "BearerX"])
def test_another_scheme_holds_no_key(api: Api, tenant: Tenant, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {tenant.keys.license_key}"}
    refused(api.client.get("/api/me/", headers=headers), 400, "invalid", "license__key")


def test_a_key_of_digits_may_be_a_json_number(api: Api, tenant: Tenant) -> None:
    License.objects.update(key_digest=keys.digest("license_key", "123456"))
    assert api.post("/api/messages/", tenant.message(license__key=123456)).status_code == 201


# --- what each wrong key answers ---------------------------------------------------------------


@pytest.mark.parametrize("path", MESSAGE_ROUTES)
@pytest.mark.parametrize(
    ("key", "status", "code", "fields"),
    [
        (None, 400, "invalid", ["license__key"]),
        ("", 400, "invalid", ["license__key"]),
        ("ABCDE", 400, "invalid", ["license__key"]),
        ("ABCDEFG", 400, "invalid", ["license__key"]),
        ("ABCDEFGHIJK", 400, "invalid", ["license__key"]),
        ("ABCDEFGHIJKLM", 400, "invalid", ["license__key"]),
        (["ABCDEF"], 400, "invalid", ["license__key"]),
        ({"a": 1}, 400, "invalid", ["license__key"]),
        (True, 400, "invalid", ["license__key"]),
        (12345.6, 400, "invalid", ["license__key"]),
        ("ABCDEF", 404, "license_not_found", []),
        ("ABCDEFGHIJKL", 404, "license_not_found", []),
        ("żółćżó", 404, "license_not_found", []),
        (123456, 404, "license_not_found", []),
    ],
)
def test_message_routes_answer_a_wrong_key(
    api: Api, tenant: Tenant, path: str, key: Any, status: int, code: str, fields: list[str]
) -> None:
    body = tenant.message(license__key=key) | {"messages": [tenant.message()]}
    refused(api.post(path, body), status, code, *fields)
    del body["license__key"]
    if isinstance(key, str) and key.isascii():
        refused(api.post(path, body, X_License_Key=key), status, code, *fields)
    assert not Message.objects.exists()


@pytest.mark.parametrize("path", PAIR_ROUTES)
@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("key", None, 400),
        ("key", "", 400),
        ("key", "ABCDE", 400),
        ("key", "ABCDEFGHIJKLM", 400),
        ("key", ["ABCDEF"], 400),
        ("key", "ABCDEF", 401),
        ("key", "ABCDEFG", 401),  # well formed, and therefore just unknown
        ("key", "ABCDEFGHIJK", 401),
        ("key", "ABCDEFGHIJKL", 401),
        ("api_key", None, 400),
        ("api_key", "", 400),
        ("api_key", "ABCDEFGHIJK", 400),
        ("api_key", "ABCDEFGHIJKLM", 400),
        ("api_key", 123, 400),
        ("api_key", "ABCDEFGHIJKL", 401),
        ("api_key", 123456789012, 401),
    ],
)
def test_contact_and_group_routes_answer_a_wrong_key(
    api: Api, tenant: Tenant, path: str, field: str, value: Any, status: int
) -> None:
    response = api.post(path, tenant.with_keys(**{field: value}))
    if status == 400:
        refused(response, 400, "invalid", field)
    else:
        refused(response, 401, "invalid_key")
        assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", PAIR_ROUTES)
def test_unknown_wrong_foreign_and_disabled_api_keys_look_the_same(
    api: Api, tenant: Tenant, other_tenant: Tenant, path: str
) -> None:
    disabled = services.add_api_key(tenant.account)
    newest = ApiKey.objects.filter(account=tenant.account).latest("pk")
    newest.is_active = False
    newest.save()
    answers = [
        api.post(path, pair)
        for pair in (
            tenant.with_keys(api_key="ABCDEFGHIJKL"),
            tenant.with_keys(api_key=other_tenant.keys.api_key),
            tenant.with_keys(api_key=disabled),
            tenant.with_keys(api_key=tenant.keys.license_key),
            tenant.with_keys(api_key=tenant.keys.api_key.lower()),
            tenant.with_keys(key="ABCDEF"),
            other_tenant.with_keys(key="ABCDEF"),
        )
    ]
    for answer in answers:
        refused(answer, 401, "invalid_key")
    assert len({answer.content for answer in answers}) == 1


def test_wrong_keys_cost_the_same_queries(
    api: Api, tenant: Tenant, django_assert_num_queries: Any
) -> None:
    for pair in (
        tenant.with_keys(api_key="ABCDEFGHIJKL"),
        tenant.with_keys(key="ABCDEF"),
        tenant.with_keys(key="ABCDEF", api_key="ABCDEFGHIJKL"),
    ):
        with django_assert_num_queries(1):
            api.post("/api/contacts/groups/", pair)


def _inactive_license(tenant: Tenant) -> None:
    License.objects.update(is_active=False)


def _inactive_account(tenant: Tenant) -> None:
    tenant.set_rules(is_active=False)


def _expired(tenant: Tenant) -> None:
    tenant.set_rules(valid_until="2026-04-08")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_inactive_license, "license_inactive"),
        (_inactive_account, "license_inactive"),
        (_expired, "subscription_expired"),
    ],
)
def test_a_known_key_that_may_not_send_is_403_on_messages_and_401_on_contacts(
    api: Api,
    tenant: Tenant,
    manual_clock: ManualClock,
    change: Callable[[Tenant], None],
    code: str,
) -> None:
    change(tenant)
    for path in MESSAGE_ROUTES:
        refused(api.post(path, tenant.message()), 403, code)
    for path in READ_ROUTES:
        refused(api.get(path, tenant), 403, code)
    for path in PAIR_ROUTES:
        refused(api.post(path, tenant.with_keys()), 401, code)
        wrong = tenant.with_keys(api_key="ABCDEFGHIJKL")
        refused(api.post(path, wrong), 401, "invalid_key")


@pytest.mark.parametrize(
    ("zone", "at", "is_valid"),
    [
        ("Europe/Warsaw", "2026-04-09T21:59:59+00:00", True),  # 23:59:59 on the last day
        ("Europe/Warsaw", "2026-04-09T22:00:00+00:00", False),
        ("Pacific/Auckland", "2026-04-09T11:59:59+00:00", True),
        ("Pacific/Auckland", "2026-04-09T12:00:00+00:00", False),
        ("America/New_York", "2026-04-10T03:59:59+00:00", True),
    ],
)
def test_a_subscription_ends_with_its_last_local_day(
    api: Api, tenant: Tenant, manual_clock: ManualClock, zone: str, at: str, is_valid: bool
) -> None:
    tenant.set_rules(valid_until="2026-04-09", time_zone=zone)
    manual_clock.now = type(manual_clock.now).fromisoformat(at)
    status = api.post("/api/messages/", tenant.message()).status_code
    assert status == (201 if is_valid else 403)


@pytest.mark.parametrize("path", OWN_ROUTES)
def test_our_own_routes_answer_401_for_an_unknown_key(api: Api, db: None, path: str) -> None:
    response = api.client.get(path, headers={"X-License-Key": "ABCDEF"})
    refused(response, 401, "license_not_found")
    refused(api.client.get(path), 400, "invalid", "license__key")
    wrong = {"X-License-Key": "ABCDEFG"}
    refused(api.client.get(path, headers=wrong), 400, "invalid", "license__key")


def test_a_rotated_key_is_void_at_once(api: Api, tenant: Tenant) -> None:
    key = services.rotate_license_key(tenant.license)
    refused(api.post("/api/messages/", tenant.message()), 404, "license_not_found")
    assert api.post("/api/messages/", tenant.message(license__key=key)).status_code == 201
    api_key = services.rotate_api_keys(tenant.account)
    body = tenant.with_keys(key=key, name="VIP")
    refused(api.post("/api/contacts/groups/", body), 401, "invalid_key")
    assert api.post("/api/contacts/groups/", body | {"api_key": api_key}).status_code == 201


@pytest.mark.parametrize("overlap", [dt.timedelta(days=1), dt.timedelta(days=7)])
def test_a_replaced_key_works_on_for_as_long_as_was_said(
    api: Api, tenant: Tenant, manual_clock: ManualClock, overlap: dt.timedelta
) -> None:
    old, new = tenant.message("a-1"), tenant.message("a-2")
    new["license__key"] = services.rotate_license_key(tenant.license, overlap)
    assert api.post("/api/messages/", old).status_code == 201
    assert api.post("/api/messages/", new).status_code == 201
    manual_clock.advance(seconds=overlap.total_seconds())
    refused(api.post("/api/messages/", tenant.message("a-3")), 404, "license_not_found")


def test_a_key_that_was_replaced_twice_is_void_at_once(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    for overlaps in (
        (dt.timedelta(days=1), dt.timedelta(days=1)),
        (dt.timedelta(days=1), services.AT_ONCE),
    ):
        body = tenant.message(license__key=services.rotate_license_key(tenant.license))
        for overlap in overlaps:
            services.rotate_license_key(tenant.license, overlap)
        refused(api.post("/api/messages/", body), 404, "license_not_found")


def test_api_keys_and_log_ins_overlap_too(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    day = dt.timedelta(days=1)
    services.rotate_api_keys(tenant.account, day)
    services.rotate_credential(tenant.license, day)
    token = tokens.issue(
        Token.Kind.ACCESS,
        tenant.keys.license_id,
        credential_id=Credential.objects.earliest("pk").pk,
    )
    body = tenant.with_keys(name="VIP")

    def works() -> list[bool]:
        found = [api.post("/api/contacts/groups/", body).status_code != 401]
        look_ups: list[Callable[[], object]] = [
            lambda: lookup.sender_by_password(tenant.keys.username, tenant.keys.password),
            lambda: lookup.sender_by_token(tenant.keys.token),
            lambda: lookup.sender_by_issued_token(Token.Kind.ACCESS, token),
        ]
        for look_up in look_ups:
            try:
                look_up()
            except ApiError:
                found.append(False)
            else:
                found.append(True)
        return found

    assert works() == [True] * 4
    manual_clock.advance(days=1)
    assert works() == [False] * 4


def test_the_last_use_of_each_kind_of_key_is_noted_once_an_hour(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    hook = tokens.new_hook(tenant.license)

    def use_all() -> set[dt.datetime | None]:
        api.post("/api/contacts/groups/", tenant.with_keys(name="VIP"))
        lookup.sender_by_token(tenant.keys.token)
        lookup.sender_by_issued_token(Token.Kind.HOOK, hook)
        return {
            License.objects.get().key_used_at, ApiKey.objects.get().used_at,
            Credential.objects.get().used_at, Token.objects.get().used_at,
        }  # fmt: skip

    start = manual_clock.now
    assert use_all() == {start}
    manual_clock.advance(minutes=59)
    assert use_all() == {start}
    manual_clock.advance(minutes=1)
    assert use_all() == {manual_clock.now}


@pytest.mark.django_db(transaction=True)
def test_the_use_of_a_key_is_noted_without_waiting_for_its_row(tenant: Tenant) -> None:
    with transaction.atomic():
        License.objects.select_for_update().get()
        (sender,) = in_threads([lambda: lookup.sender_by_license_key(tenant.keys.license_key)], 1)
    assert sender.license_id == tenant.keys.license_id
    assert License.objects.get().key_used_at is None


# --- order of checks ---------------------------------------------------------------------------


def test_checks_come_in_the_documented_order(
    api: Api, tenant: Tenant, manual_clock: ManualClock, settings: Any
) -> None:
    """Each request has the faults of all those after it, and answers for the first."""
    settings.LICENSE_RATE_PER_MINUTE = 1
    tenant.set_rules(max_daily_sms=0)
    url, groups = "/api/messages/", "/api/contacts/groups/"
    bad = {"phone": "x"}
    refused(api.raw(url, b"{" * 70_000), 413, "too_large")
    refused(api.raw(url, b"{", X_License_Key="ABCDEF"), 400, "malformed")
    refused(api.post(url, bad), 400, "invalid", "license__key")
    refused(api.post(url, bad | {"license__key": "ABCDEFG"}), 400, "invalid", "license__key")
    refused(api.post(url, bad | {"license__key": "ABCDEF"}), 404, "license_not_found")
    refused(api.post(groups, {}), 400, "invalid", "key", "api_key")
    refused(api.post(groups, tenant.with_keys(api_key="ABCDEFGHIJKL")), 401, "invalid_key")
    License.objects.update(is_active=False)
    refused(api.post(url, tenant.message(**bad)), 403, "license_inactive")
    License.objects.update(is_active=True)
    refused(api.post(url, tenant.message(**bad)), 400, "invalid", "phone")  # of the burst: 1
    refused(api.post(url, tenant.message()), 403, "daily_limit_exceeded")  # 2
    refused(api.post(url, tenant.message(**bad)), 429, "too_many_requests")
    License.objects.update(is_active=False)
    refused(api.post(url, tenant.message(**bad)), 403, "license_inactive")


# --- how often ---------------------------------------------------------------------------------


def wrong_keys(api: Api, count: int, **meta: Any) -> list[Any]:
    body = json.dumps({"license__key": "WRONGK"})
    return [api.client.post("/api/messages/", body, JSON, **meta) for _ in range(count)]


def test_wrong_keys_have_a_budget_per_address(api: Api, tenant: Tenant) -> None:
    answers = wrong_keys(api, 23)
    assert [answer.status_code for answer in answers] == [404] * 20 + [429] * 3
    refused(answers[20], 429, "too_many_requests")
    waits = [int(answer["Retry-After"]) for answer in answers[20:]]
    assert waits == [60, 120, 240]  # with back-off
    other = wrong_keys(api, 1, REMOTE_ADDR="192.0.2.1")
    assert other[0].status_code == 404


def test_the_budget_is_one_for_all_routes(api: Api, tenant: Tenant) -> None:
    wrong_keys(api, 20)
    for path in PAIR_ROUTES:
        refused(api.post(path, tenant.with_keys(key="ABCDEF")), 429, "too_many_requests")
    response = api.client.get("/api/me/", headers={"X-License-Key": "ABCDEF"})
    refused(response, 429, "too_many_requests")


def test_a_right_key_is_never_blocked(api: Api, tenant: Tenant) -> None:
    """n8n's clouds share their addresses."""
    wrong_keys(api, 50)
    for path in READ_ROUTES:
        assert api.get(path, tenant).status_code == 200
    assert api.post("/api/messages/", tenant.message()).status_code == 201
    assert api.post("/api/contacts/groups/", tenant.with_keys(name="VIP")).status_code == 201


def test_what_is_no_wrong_key_is_not_counted(api: Api, tenant: Tenant) -> None:
    License.objects.update(is_active=False)
    for _ in range(25):
        api.post("/api/messages/", {})
        api.post("/api/messages/", {"license__key": "short"})
        api.post("/api/messages/", tenant.message())
        api.raw("/api/messages/", b"{")
    assert wrong_keys(api, 1)[0].status_code == 404


@pytest.mark.parametrize(
    ("trusted", "forwarded", "told_apart"),
    [
        ((), "203.0.113.{}", False),  # anybody may write this header
        (("127.0.0.0/8",), "203.0.113.{}", True),
        (("127.0.0.0/8",), "203.0.113.9, 198.51.100.{}", True),
        (("127.0.0.0/8",), "203.0.113.{}, 198.51.100.9", False),  # what the client itself wrote
        (("127.0.0.0/8", "10.0.0.0/8"), "203.0.113.{}, 10.0.0.1", True),
        (("127.0.0.0/8",), "nonsense{}", False),
        (("10.0.0.0/8",), "203.0.113.{}", False),
    ],
)
def test_addresses_come_from_a_header_only_behind_a_trusted_proxy(
    api: Api, db: None, settings: Any, trusted: tuple[str, ...], forwarded: str, told_apart: bool
) -> None:
    settings.TRUSTED_PROXIES = trusted
    settings.FAILED_KEYS_PER_MINUTE = 1
    statuses = [
        wrong_keys(api, 1, HTTP_X_FORWARDED_FOR=forwarded.format(number))[0].status_code
        for number in range(2)
    ]
    assert statuses == [404, 404 if told_apart else 429]


def test_a_licence_has_a_token_bucket(
    api: Api, tenant: Tenant, other_tenant: Tenant, manual_clock: ManualClock, settings: Any
) -> None:
    settings.LICENSE_RATE_PER_MINUTE = 6
    me = "/api/me/"
    assert [api.get(me, tenant).status_code for _ in range(13)] == [200] * 12 + [429]
    response = api.get(me, tenant)
    refused(response, 429, "too_many_requests")
    assert response["Retry-After"] == "10"
    for path in PAIR_ROUTES:
        refused(api.post(path, tenant.with_keys()), 429, "too_many_requests")
    assert api.get(me, other_tenant).status_code == 200
    manual_clock.advance(seconds=9)
    assert api.get(me, tenant)["Retry-After"] == "1"
    manual_clock.advance(seconds=1)
    assert [api.get(me, tenant).status_code for _ in range(2)] == [200, 429]
    manual_clock.advance(hours=1)
    assert [api.get(me, tenant).status_code for _ in range(13)] == [200] * 12 + [429]


def test_the_default_is_600_a_minute_with_a_burst_of_1200(settings: Any) -> None:
    defaults = config.load({}, dotenv=config.PROJECT_DIR / "no-such-file")
    assert defaults.license_rate_per_minute == 600
    assert defaults.failed_keys_per_minute == 20


def test_without_redis_requests_pass_and_the_log_says_so(
    api: Api,
    tenant: Tenant,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.LICENSE_RATE_PER_MINUTE = 1
    settings.FAILED_KEYS_PER_MINUTE = 1
    gone = redis_library.Redis.from_url("redis://127.0.0.1:1/0")
    monkeypatch.setattr(redis, "client", lambda: gone)
    monkeypatch.setattr(redis, "_gone_since", None)
    for number in range(5):
        assert api.post("/api/messages/", tenant.message(f"a-{number}")).status_code == 201
        assert wrong_keys(api, 1)[0].status_code == 404
    assert "requests are not throttled" in caplog.text
    assert tenant.keys.license_key not in caplog.text


def test_keys_are_stored_as_digests_only(tenant: Tenant) -> None:
    stored = [
        *License.objects.values_list("key_digest", flat=True),
        *ApiKey.objects.values_list("key_digest", flat=True),
    ]
    assert all(value.startswith("1$") for value in stored)
    assert tenant.keys.license_key not in str(stored)
    assert Account.objects.count() == 1
