"""People of each role in two accounts, each with a browser that is logged in."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.test import Client

from members.models import Member, Role
from tests.conftest import Tenant

# The fixtures of the browser are those of the other pages.
from tests.smsgate.conftest import browser, complaints, page  # noqa: F401

PASSWORD = "correct horse battery"


def confirm(user: User) -> None:
    """Let this person have opened the link that was mailed to their address."""
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)


def person(name: str, tenant: Tenant | None = None, role: Role = Role.OWNER, **rights: Any) -> User:
    user = User.objects.create_user(name, password=PASSWORD, **rights)
    if user.email:
        confirm(user)
    if tenant is not None:
        Member.objects.create(account=tenant.account, user=user, role=role)
    return user


def logged_in(user: User) -> Client:
    client = Client(headers={"Accept": "text/html"})
    client.force_login(user)
    return client


@pytest.fixture
def owner(tenant: Tenant) -> Client:
    return logged_in(person("olga", tenant))


@pytest.fixture
def operator(tenant: Tenant) -> Client:
    return logged_in(person("piotr", tenant, Role.OPERATOR))


@pytest.fixture
def viewer(tenant: Tenant) -> Client:
    return logged_in(person("wanda", tenant, Role.VIEWER))
