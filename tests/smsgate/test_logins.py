"""The admin's log-in: counted before a password is hashed."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import get_hasher
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client

from http_api import redis

pytestmark = pytest.mark.django_db
CHECK = "django.contrib.auth.models.User.check_password"


@pytest.fixture
def owner() -> User:
    return User.objects.create_superuser("owner", password="right")


def log_in(username: str, password: str, address: str = "192.0.2.1", **headers: str) -> Any:
    given = {"username": username, "password": password, "next": "/admin/"}
    client = Client(REMOTE_ADDR=address, raise_request_exception=False)
    return client.post("/admin/login/", given, headers={"Accept": "text/html", **headers})


def test_after_twenty_tries_from_an_address_nothing_is_hashed(owner: User) -> None:
    with mock.patch(CHECK, return_value=False) as check:
        statuses = [log_in("owner", "wrong").status_code for _ in range(26)]
    assert statuses == [200] * 20 + [429] * 6
    assert check.call_count == 20
    refused = log_in("owner", "right")
    assert refused.status_code == 429
    assert 60 <= int(refused["Retry-After"]) <= 3600
    assert refused["Content-Type"].startswith("text/html")
    assert "Too many log-ins" in refused.content.decode()
    polish = log_in("owner", "right", **{"Accept-Language": "pl"})
    assert "Zbyt wiele prób logowania" in polish.content.decode()
    assert log_in("owner", "right", "192.0.2.2").status_code == 302


def test_a_slash_64_of_addresses_has_one_budget() -> None:
    found = [log_in("x", "y", f"2001:db8::{n:x}").status_code for n in range(1, 23)]
    assert found == [200] * 20 + [429] * 2


def test_a_name_guessed_from_everywhere_is_closed_but_not_to_its_owner(owner: User) -> None:
    assert log_in("owner", "right", "203.0.113.7").status_code == 302
    with mock.patch(CHECK, return_value=False):
        statuses = [
            log_in("owner", "wrong", f"198.51.100.{number}").status_code
            for number in range(12)
            for _ in range(10)
        ]
    assert statuses[-1] == 429
    assert statuses.count(200) == 99  # the owner's own was one of a hundred
    assert log_in("owner", "right", "203.0.113.7").status_code == 302
    assert log_in("somebody else", "wrong", "198.51.100.1").status_code == 200


def logged_in_as(login: str, password: str, address: str) -> str:
    """Who is logged in then by the console's form; '' for nobody."""
    client = Client(REMOTE_ADDR=address, headers={"Accept": "text/html"})
    answer = client.post("/account/login/", {"login": login, "password": password}, follow=True)
    user = answer.wsgi_request.user
    assert user.is_authenticated or "No such user, or another password." in answer.content.decode()
    return str(user.get_username())


def test_people_log_in_by_name_or_by_an_address_whose_link_they_have_opened(owner: User) -> None:
    EmailAddress.objects.create(user=owner, email="olga@example.org", verified=True)
    thief = User.objects.create_user("olga@example.org", password="left")
    EmailAddress.objects.create(user=thief, email="owner@example.org", verified=False)
    tries = [
        ("owner", "right", "owner"), ("olga@example.org", "right", "owner"),
        ("Olga@Example.org", "right", "owner"), ("olga@example.org", "left", ""),
        ("owner@example.org", "left", ""), ("owner", "left", ""), ("nobody", "right", ""),
    ]  # fmt: skip
    for number, (login, password, who) in enumerate(tries):
        assert logged_in_as(login, password, f"192.0.2.{number}") == who, login


@pytest.mark.parametrize("login", ["owner", "olga@example.org", "nobody", "nobody@example.org"])
def test_a_log_in_hashes_once_whoever_is_meant(owner: User, login: str) -> None:
    EmailAddress.objects.create(user=owner, email="olga@example.org", verified=True)
    with mock.patch("django.contrib.auth.hashers.BasePasswordHasher.harden_runtime"):
        hasher = get_hasher()
        with mock.patch.object(type(hasher), "encode", wraps=hasher.encode) as hashed:
            logged_in_as(login, "wrong", "192.0.2.9")
    assert hashed.call_count == 1


def test_what_log_ins_leave_in_redis_ends_by_itself_and_names_nobody(owner: User) -> None:
    log_in("owner", "right")
    log_in("o" * 5000, "wrong")
    connection = redis.client()
    keys: Any = connection.keys("*login*")
    assert len(keys) >= 2
    for key in [*keys, *connection.keys("throttle:*")]:
        assert connection.ttl(key) > 0, key
        assert b"owner" not in key
        assert len(key) < 120


def test_a_page_whose_database_is_away_says_so() -> None:
    with mock.patch("smsgate.pages.views.render", side_effect=OperationalError):
        answer = Client(raise_request_exception=False).get("/", headers={"Accept": "text/html"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert answer["Content-Type"].startswith("text/html")
