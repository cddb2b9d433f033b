"""licenses.tokens: what we issue beside the keys."""

from __future__ import annotations

import datetime as dt

import pytest

from http_api.errors import ApiError
from licenses import services, tokens
from licenses.lookup import sender_by_issued_token
from licenses.models import Credential, Token
from licenses.tokens import Kind
from tests.conftest import ManualClock, Tenant


def is_good(kind: Kind, value: str) -> bool:
    try:
        sender_by_issued_token(kind, value)
    except ApiError:
        return False
    return True


@pytest.mark.parametrize("kind", Kind)
def test_a_token_is_good_for_its_kind_alone(tenant: Tenant, kind: Kind) -> None:
    value = tokens.issue(kind, tenant.keys.license_id)
    assert {other for other in Kind if is_good(other, value)} == {kind}
    assert sender_by_issued_token(kind, value).license_id == tenant.keys.license_id


def test_only_a_digest_is_kept(tenant: Tenant) -> None:
    value = tokens.issue(Kind.SESSION, tenant.keys.license_id)
    row = Token.objects.values().get()
    assert value not in str(row)
    assert row["hint"] == value[:4]


def test_a_session_that_is_in_use_lives_on(tenant: Tenant, manual_clock: ManualClock) -> None:
    five = dt.timedelta(minutes=5)
    value = tokens.issue(Kind.SESSION, tenant.keys.license_id, expires_at=manual_clock.now + five)
    manual_clock.advance(minutes=4)
    tokens.extend(Kind.SESSION, value, manual_clock.now + five)
    manual_clock.advance(minutes=4)
    assert is_good(Kind.SESSION, value)
    manual_clock.advance(minutes=1)
    assert not is_good(Kind.SESSION, value)


def test_a_token_for_one_use_is_used_up_once(tenant: Tenant) -> None:
    value = tokens.issue(Kind.REFRESH, tenant.keys.license_id)
    assert tokens.consume(Kind.REFRESH, value)
    assert not tokens.consume(Kind.REFRESH, value)
    assert not is_good(Kind.REFRESH, value)


def test_tokens_of_a_log_in_end_with_its_credential(tenant: Tenant) -> None:
    credential = Credential.objects.get()
    value = tokens.issue(Kind.ACCESS, tenant.keys.license_id, credential_id=credential.pk)
    assert sender_by_issued_token(Kind.ACCESS, value).credential_id == credential.pk
    hook = tokens.new_hook(tenant.license)
    services.rotate_credential(tenant.license)
    assert not is_good(Kind.ACCESS, value)
    assert is_good(Kind.HOOK, hook)


def test_what_expired_long_ago_is_forgotten(tenant: Tenant, manual_clock: ManualClock) -> None:
    tokens.new_hook(tenant.license)
    tokens.issue(Kind.ACCESS, tenant.keys.license_id, expires_at=manual_clock.now)
    assert not tokens.expired(manual_clock.now).exists()
    manual_clock.advance(days=2)
    assert [token.kind for token in tokens.expired(manual_clock.now)] == [Kind.ACCESS]
