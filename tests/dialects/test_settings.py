"""Settings that dialects add to an account, and the admin's form that shows them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from dialects import settings
from dialects.sms_by import words
from licenses.models import Account
from tests.conftest import Tenant

FIELD = "sms_by_codes_by_sms"


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("op"))
    return client


def _form(operator: Client, account: Account) -> Any:
    page: Any = operator.get(_url(account))
    return page.context_data["adminform"].form


def _url(account: Account) -> str:
    return f"/admin/licenses/account/{account.pk}/change/"


def _save(operator: Client, account: Account, **changed: Any) -> None:
    """Open the account's form and save it with these values."""
    form = _form(operator, account)
    values = {name: form[name].value() for name in form.fields} | changed
    given = {name: value for name, value in values.items() if value not in (None, False)}
    assert operator.post(_url(account), given).status_code == 302


def _is_on(account: Account) -> bool:
    return settings.is_on(account.pk, words.NAME, words.CODES_BY_SMS)


def test_the_form_of_an_account_switches_a_setting_off_and_on(
    operator: Client, tenant: Tenant
) -> None:
    account = tenant.account
    assert _is_on(account)
    _save(operator, account, **{FIELD: False})
    assert not _is_on(account)
    assert not _form(operator, account)[FIELD].value()
    _save(operator, account, name="Renamed")
    assert not _is_on(account)
    _save(operator, account, **{FIELD: True})
    assert _is_on(account)
    account.refresh_from_db()
    assert (account.name, account.dialect_settings) == ("Renamed", {})


def test_the_form_shows_the_setting_in_the_language_of_the_page(
    operator: Client, tenant: Tenant
) -> None:
    page = operator.get(_url(tenant.account), headers={"Accept-Language": "pl"})
    assert "kody jednorazowe dla Telegrama" in page.content.decode()
