"""`login`, `token`, `checksession`, and the headers that every other call needs."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from dialects.smsend import words
from licenses import lookup, services, tokens
from licenses.models import Credential, License, Token
from tests.conftest import Api, ManualClock, Tenant
from tests.dialects.smsend.conftest import MOUNT, Program


def asked(api: Api, path: str, **headers: str) -> Any:
    return api.client.get(MOUNT + path, headers=headers)


def pair(tenant: Tenant) -> dict[str, str]:
    given = f"{tenant.keys.username}:{tenant.keys.password}".encode()
    return {"Authorization": f"Basic {base64.b64encode(given).decode()}"}


def in_query(tenant: Tenant) -> str:
    """As the document's samples write it: nothing is URL-encoded."""
    return f"?username={tenant.keys.username}&password={tenant.keys.password}"


def status(api: Api, user_key: str, **headers: str) -> int:
    response = asked(api, "status", user_key=user_key, **headers)
    return int(response.status_code)


@pytest.mark.parametrize("path", ["login", "token"])
def test_username_and_password_are_answered_with_two_keys(
    api: Api, tenant: Tenant, path: str
) -> None:
    for response in (asked(api, path, **pair(tenant)), asked(api, path + in_query(tenant))):
        assert response.status_code == 200
        assert response["Content-Type"].startswith("text/plain")
        text = response.content.decode()
        assert text == text.strip()  # clients put what they split off into a header
        user_key, key = text.split(";")
        assert user_key == str(tenant.keys.account_id)
        header = "Session_key" if path == "login" else "Access_token"
        assert status(api, user_key, **{header: key}) == 200


@pytest.mark.parametrize("path", ["login", "token"])
def test_a_wrong_password_is_404_and_a_missing_one_400(
    program: Program, tenant: Tenant, path: str
) -> None:
    for query in (
        f"?username={tenant.keys.username}&password=wrong",
        f"?username=nobody&password={tenant.keys.password}",
    ):
        program.refused(asked(program.api, path + query), 404)
    program.refused(asked(program.api, path), 400, "username")
    program.refused(asked(program.api, f"{path}?username=me"), 400, "password")
    program.refused(asked(program.api, path, Authorization="Basic !"), 404)


@pytest.mark.parametrize("path", ["login", "token"])
def test_a_licence_that_may_not_send_cannot_log_in(
    program: Program, tenant: Tenant, path: str
) -> None:
    License.objects.update(is_active=False)
    program.refused(asked(program.api, path, **pair(tenant)), 401)


def session(api: Api, tenant: Tenant) -> dict[str, str]:
    user_key, key = asked(api, "login", **pair(tenant)).content.decode().split(";")
    return {"user_key": user_key, "Session_key": key}


def test_a_session_lives_while_it_is_used(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    keys = session(api, tenant)
    for _ in range(10):
        manual_clock.advance(minutes=5)
        assert status(api, **keys) == 200


def test_a_session_that_nobody_uses_ends(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    keys = session(api, tenant)
    manual_clock.advance(minutes=6)
    assert status(api, **keys) == 401


def test_a_busy_session_is_prolonged_once_a_minute(
    api: Api, tenant: Tenant, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, written = session(api, tenant), []
    monkeypatch.setattr(tokens, "extend", lambda *arguments: written.append(arguments))
    for _ in range(5):
        assert status(api, **keys) == 200
    assert not written
    manual_clock.advance(minutes=1, seconds=1)
    assert status(api, **keys) == 200
    assert len(written) == 1


def test_an_access_token_is_the_same_each_time_and_stays(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    first, again = (asked(api, "token", **pair(tenant)).content.decode() for _ in range(2))
    assert first == again
    assert Token.objects.count() == 1
    user_key, token = first.split(";")
    manual_clock.advance(days=365)
    assert status(api, user_key, Access_token=token) == 200


def test_two_credentials_have_two_tokens(api: Api, tenant: Tenant, other_tenant: Tenant) -> None:
    mine, theirs = (asked(api, "token", **pair(t)).content.decode() for t in (tenant, other_tenant))
    assert mine.split(";")[1] != theirs.split(";")[1]


def test_new_credentials_end_what_the_old_ones_were_answered(api: Api, tenant: Tenant) -> None:
    keys = session(api, tenant)
    user_key, token = asked(api, "token", **pair(tenant)).content.decode().split(";")
    services.rotate_credential(tenant.license)
    assert status(api, **keys) == 401
    assert status(api, user_key, Access_token=token) == 401


def test_a_wrong_key_is_401_and_a_wrong_user_404(
    program: Program, tenant: Tenant, other_tenant: Tenant
) -> None:
    right = program.headers
    for headers, expected in (
        ({}, 401),
        ({"user_key": right["user_key"]}, 401),
        ({"user_key": right["user_key"], "Access_token": "wrong"}, 401),
        ({"user_key": right["user_key"], "Session_key": right["Access_token"]}, 401),
        ({"user_key": "999999", "Access_token": "wrong"}, 401),  # tells nothing of who exists
        ({"Access_token": right["Access_token"]}, 404),
        (right | {"user_key": str(other_tenant.keys.account_id)}, 404),
        (right | {"user_key": "nobody"}, 404),
    ):
        program.refused(asked(program.api, "status", **headers), expected)


def test_headers_with_hyphens_do_behind_a_proxy_that_drops_the_others(program: Program) -> None:
    headers = {name.replace("_", "-"): value for name, value in program.headers.items()}
    assert asked(program.api, "status", **headers).status_code == 200


def test_another_dialects_token_with_less_than_all_rights_opens_nothing(
    program: Program, tenant: Tenant
) -> None:
    token = tokens.issue(tokens.Kind.ACCESS, tenant.keys.license_id, scopes=["messages:read"])
    headers = program.headers | {"Access_token": token}
    program.refused(asked(program.api, "status", **headers), 401)


def test_a_session_is_looked_at_without_prolonging_it(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    def check(keys: dict[str, str]) -> str:
        response = asked(api, "checksession", **keys)
        assert response.status_code == 200
        return str(response.content.decode())

    keys = session(api, tenant)
    for _ in range(5):
        assert check(keys) == "true"
        manual_clock.advance(minutes=1)
    manual_clock.advance(minutes=1)
    assert check(keys) == "false"
    assert check({}) == "false"
    assert check(session(api, tenant) | {"user_key": "nobody"}) == "false"


def test_asking_for_sessions_is_no_way_to_guess_them(program: Program, settings: Any) -> None:
    settings.FAILED_KEYS_PER_MINUTE = 2
    for _ in range(2):
        assert asked(program.api, "checksession").content == b"false"
    program.refused(asked(program.api, "checksession"), 429)


def test_the_keys_are_stored_as_digests_only(api: Api, tenant: Tenant) -> None:
    told = [
        asked(api, path, **pair(tenant)).content.decode().split(";")[1]
        for path in ("login", "token")
    ]
    for token in Token.objects.all():
        assert token.credential == Credential.objects.get()
        for value in told:
            assert value not in (token.digest, token.hint)
    assert lookup.sender_by_issued_token(tokens.Kind.SESSION, told[0]).expires_at is not None
    assert words.SESSION_IDLE.total_seconds() == 300


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "status"), ("GET", "dashboard"), ("POST", "pwdreset"), ("POST", "sms"),
        ("POST", "paramsms"), ("POST", "smstogroups"), ("GET", "sms/1"), ("DELETE", "sms/1"),
        ("DELETE", "sms/bulk"), ("GET", "smshistory"), ("GET", "rcptHistory"), ("GET", "contact"),
        ("POST", "contact"), ("POST", "contacts"), ("GET", "contact/1"), ("GET", "contacts/fields"),
        ("POST", "group"), ("GET", "groups"), ("PUT", "group/1"), ("DELETE", "group/1"),
        ("POST", "group/1/contact/1"), ("PUT", "group/1/contact"), ("DELETE", "group/1/contact/1"),
        ("GET", "blacklist/sms"), ("POST", "blacklist/sms"), ("POST", "blacklist/smsbatch"),
        ("DELETE", "blacklist/sms/1"), ("POST", "contact/add_to_blacklist"),
        ("POST", "contact/add_to_blacklist/1"), ("POST", "contact/add_to_blacklist_batch"),
        ("POST", "contacts/add_to_blacklist"), ("GET", "newsrsmsmessage"),
        ("GET", "newsrsmsmessage/1"), ("GET", "srsmshistory"), ("GET", "srsmshistory/1"),
        ("GET", "srsmshistory/1/1"), ("POST", "2fa/request"), ("POST", "2fa/verify"),
        ("GET", "alias"),
    ],
)  # fmt: skip
def test_nothing_else_is_done_for_who_has_not_logged_in(
    program: Program, method: str, path: str
) -> None:
    program.headers = {}
    program.refused(program.call(method, path), 401)
    program.refused(program.call(method, f"/{path}"), 401)  # a base with a slash too many
