"""Members of an account: how one joins, changes and leaves, and the trail of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from http_api.errors import ApiError
from members import audit, services
from members.audit import Action, Actor
from members.models import AuditEntry, Invitation, Member, Role
from tests.conftest import ManualClock, Tenant, in_threads

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture
def owner(tenant: Tenant) -> Actor:
    user = User.objects.create_user("olga", password=PASSWORD)
    services.make_owner(tenant.account, user)
    return Actor(user, "192.0.2.7")


def refused(call: Callable[[], None]) -> str:
    with pytest.raises(ApiError) as error:
        call()
    return str(error.value.code)


def actions(tenant: Tenant) -> list[str]:
    return [entry.action for entry in audit.entries(tenant.account.pk)][::-1]


def test_an_invitation_makes_one_person_a_member_once(tenant: Tenant, owner: Actor) -> None:
    made = services.invite(tenant.account.pk, "Jan", Role.OPERATOR, owner)
    user = services.join_anew(made.token, "jan", PASSWORD)
    assert Member.objects.get(user=user).role == Role.OPERATOR
    with pytest.raises(ApiError):
        services.join_anew(made.token, "ewa", PASSWORD)
    assert actions(tenant) == [Action.MEMBER_INVITED, Action.MEMBER_JOINED]


def test_an_invitation_ends_after_a_week(
    tenant: Tenant, owner: Actor, manual_clock: ManualClock
) -> None:
    made = services.invite(tenant.account.pk, "Jan", Role.VIEWER, owner)
    manual_clock.advance(days=6, hours=23)
    assert services.invitation_of(made.token).name == "Jan"
    manual_clock.advance(hours=2)
    with pytest.raises(ApiError):
        services.invitation_of(made.token)


def test_an_invitation_that_was_taken_back_is_void(tenant: Tenant, owner: Actor) -> None:
    made = services.invite(tenant.account.pk, "Jan", Role.VIEWER, owner)
    services.withdraw_invitation(tenant.account.pk, made.invitation.pk, owner)
    with pytest.raises(ApiError):
        services.join_anew(made.token, "jan", PASSWORD)


def test_a_bad_name_or_password_uses_no_invitation_up(tenant: Tenant, owner: Actor) -> None:
    made = services.invite(tenant.account.pk, "Jan", Role.VIEWER, owner)
    for username, password, field in (
        ("olga", PASSWORD, "username"), ("jan", "12345678", "password"), ("", PASSWORD, "username"),
    ):  # fmt: skip
        with pytest.raises(ValidationError) as refused:
            services.join_anew(made.token, username, password)
        assert list(refused.value.message_dict) == [field]
    assert Invitation.objects.get().accepted_at is None
    assert User.objects.count() == 2  # the account's own, and its owner


def test_a_second_invitation_takes_no_rights_away(tenant: Tenant, owner: Actor) -> None:
    made = services.invite(tenant.account.pk, "Olga", Role.VIEWER, owner)
    assert owner.user is not None
    services.join(made.token, owner.user)
    assert Member.objects.get(user=owner.user).role == Role.OWNER


def test_the_last_owner_stays(tenant: Tenant, owner: Actor) -> None:
    member = Member.objects.get()
    refusals = [
        refused(lambda: services.remove(tenant.account.pk, member.pk, owner)),
        refused(lambda: services.change_role(tenant.account.pk, member.pk, Role.OPERATOR, owner)),
    ]
    assert refusals == ["conflict", "conflict"]
    assert not actions(tenant)


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_remove_each_other_at_once_leave_one(tenant: Tenant) -> None:
    users = [User.objects.create_user(name) for name in ("a", "b")]
    members = [services.make_owner(tenant.account, user) for user in users]

    def remove(number: int) -> str:
        try:
            services.remove(tenant.account.pk, members[number].pk, Actor(users[1 - number]))
        except ApiError as error:
            return str(error.code)
        return "removed"

    assert sorted(in_threads([lambda: remove(0), lambda: remove(1)], 2)) == ["conflict", "removed"]
    assert Member.objects.count() == 1


def test_a_member_of_another_account_is_not_found(
    tenant: Tenant, other_tenant: Tenant, owner: Actor
) -> None:
    stranger = services.make_owner(other_tenant.account, User.objects.create_user("bob"))
    refusals = [
        refused(lambda: services.remove(tenant.account.pk, stranger.pk, owner)),
        refused(lambda: services.change_role(tenant.account.pk, stranger.pk, Role.VIEWER, owner)),
    ]
    assert refusals == ["not_found", "not_found"]


def test_the_trail_is_append_only(tenant: Tenant, owner: Actor) -> None:
    services.invite(tenant.account.pk, "Jan", Role.VIEWER, owner)
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEntry.objects.all().delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEntry.objects.update(username="x")
    assert actions(tenant) == [Action.MEMBER_INVITED]


@pytest.mark.django_db(transaction=True)
def test_what_is_undone_leaves_no_entry_and_none_is_written_alone(
    tenant: Tenant, owner: Actor
) -> None:
    with pytest.raises(RuntimeError):
        audit.record(tenant.account.pk, owner, Action.VISITED)

    def undone() -> None:
        with transaction.atomic():
            services.invite(tenant.account.pk, "Jan", Role.VIEWER, owner)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        undone()
    assert not actions(tenant)


def test_a_log_in_is_in_the_trail_with_its_network(
    tenant: Tenant, owner: Actor, client: Any
) -> None:
    assert client.login(username="olga", password=PASSWORD)
    assert actions(tenant) == [Action.LOGGED_IN]


def test_a_wrong_code_and_a_second_factor_that_goes_are_in_the_trail(
    tenant: Tenant, owner: Actor, client: Any
) -> None:
    assert owner.user is not None
    TOTP.activate(owner.user, generate_totp_secret())
    given = {"login": "olga", "password": PASSWORD}
    client.post("/account/login/", given)
    client.post("/account/second-factor/authenticate/", {"code": "000000"})
    assert actions(tenant) == [Action.SECOND_FACTOR_FAILED]
    client.force_login(owner.user)
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    client.post("/account/second-factor/totp/deactivate/")
    assert actions(tenant)[-1] == Action.SECOND_FACTOR_REMOVED
    assert audit.entries(tenant.account.pk)[0].details == {"kind": "totp"}


@pytest.mark.parametrize(
    ("network", "kept"),
    [("192.0.2.7", "192.0.2.0/24"), ("2001:db8:1:2::/64", "2001:db8:1::/48"), ("", ""), ("x", "")],
)
def test_the_trail_keeps_no_whole_address(
    tenant: Tenant, owner: Actor, network: str, kept: str
) -> None:
    audit.record(tenant.account.pk, Actor(owner.user, network), Action.LOGGED_IN)
    assert audit.entries(tenant.account.pk)[0].network == kept
