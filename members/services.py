"""Members of an account: invite, join, change, remove. Each leaves an entry in the audit trail."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models, transaction

from http_api import clock
from http_api.addresses import client_network
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError, or_not_found
from licenses import keys
from licenses.models import Account
from members import audit, letters, mail
from members.audit import Action, Actor
from members.models import Invitation, Member, Role
from members.selectors import memberships

INVITATION_LIFE = dt.timedelta(days=7)
INVITATIONS_A_DAY = 50  # of an account: each may be mail to a stranger


@dataclass(frozen=True, slots=True)
class NewInvitation:
    invitation: Invitation
    token: str  # of the link; only its digest is kept


def make_owner(account: Account, user: User) -> Member:
    """Make this person an owner of the account, whoever they were in it."""
    member, _ = Member.objects.update_or_create(
        account=account, user=user, defaults={"role": Role.OWNER}
    )
    return member


@transaction.atomic
def invite(account_id: int, name: str, role: Role, by: Actor, email: str = "") -> NewInvitation:
    """Make a link by which one person joins the account, and mail it where an address is given.

    Raise ValidationError for an address that is none, ApiError `too_many_requests`.
    """
    if email:
        validate_email(email)
    _check_that_few_were_invited(account_id)
    token = keys.new_token()
    invitation = Invitation.objects.create(
        account_id=account_id,
        role=role,
        name=name,
        email=email,
        digest=keys.digest("invitation", token),
        expires_at=clock.now() + INVITATION_LIFE,
    )
    audit.record(account_id, by, Action.MEMBER_INVITED, object_id=invitation.pk, role=role.value)
    if email:
        mail.queue(email, *letters.invitation(invitation, by.name, link(token)))
    return NewInvitation(invitation, token)


def _check_that_few_were_invited(account_id: int) -> None:
    since = clock.now() - dt.timedelta(days=1)
    invited = audit.entries(account_id).filter(action=Action.MEMBER_INVITED, at__gt=since)
    if invited.count() >= INVITATIONS_A_DAY:
        raise ApiError(
            ErrorCode.TOO_MANY_REQUESTS, f"There were {INVITATIONS_A_DAY} invitations today."
        )


def link(token: str) -> str:
    """Return an invitation's link. The token stands in the fragment, which no server is sent: neither a
    browser's history nor a proxy's log has it."""
    return f"{settings.PUBLIC_URL}/console/join/#{token}"


def password_link(key: str) -> str:
    """Return the link by which a new password is chosen, with its key in the fragment, too."""
    return f"{settings.PUBLIC_URL}/console/reset/#{key}"


def invitation_of(token: str) -> Invitation:
    """Return the invitation of a link that is good still. Raise ApiError `not_found`."""
    return _good(token, Invitation.objects.select_related("account"))


def _good(token: str, among: models.QuerySet[Invitation]) -> Invitation:
    good = among.filter(
        digest__in=keys.digests("invitation", token),
        accepted_at=None,
        expires_at__gt=clock.now(),
        account__is_active=True,
    )
    return or_not_found(good.first(), "invitation")


@transaction.atomic
def join_anew(token: str, username: str, password: str, network: str = "", email: str = "") -> User:
    """Make a person of this name, and a member by this invitation. Their address is mailed a link, and
    nothing else before that was opened: whoever joins may write anybody's.

    Raise ApiError `not_found`, and ValidationError by field.
    """
    invitation = _locked(token)
    user = User(username=username, email=email)
    errors = {}
    try:
        user.full_clean(exclude=["password"])
    except ValidationError as error:
        errors = error.error_dict
    try:
        validate_password(password, user)
    except ValidationError as error:
        errors["password"] = error.error_list
    if errors:
        raise ValidationError(errors)
    user.set_password(password)
    user.email = ""  # allauth writes it once it is confirmed
    user.save()
    if email:
        EmailAddress.objects.create(user=user, email=email.lower()).send_confirmation()
    _join(invitation, user, network)
    return user


@transaction.atomic
def join(token: str, user: User, network: str = "") -> None:
    """Make somebody who has a log-in a member by this invitation; nobody's role gets less by it.

    Raise ApiError `not_found`.
    """
    _join(_locked(token), user, network)


def _locked(token: str) -> Invitation:
    return _good(token, Invitation.objects.select_for_update(of=("self",), no_key=True))


def _join(invitation: Invitation, user: User, network: str) -> None:
    invitation.accepted_at, invitation.email = clock.now(), ""
    invitation.save(update_fields=["accepted_at", "email"])
    # Void a link for a new password that an owner of another account made (members.passwords).
    User.objects.filter(pk=user.pk).update(last_login=clock.now())
    role = Role(invitation.role)
    member, is_new = Member.objects.get_or_create(
        account_id=invitation.account_id, user=user, defaults={"role": role}
    )
    if not is_new and not Role(member.role).includes(role):
        member.role = role
        member.save(update_fields=["role"])
    audit.record(
        invitation.account_id, Actor(user, network), Action.MEMBER_JOINED,
        object_id=invitation.pk, role=member.role,
    )  # fmt: skip


@transaction.atomic
def withdraw_invitation(account_id: int, invitation_id: int, by: Actor) -> None:
    """Void an invitation that nobody has accepted. Raise ApiError `not_found`."""
    open_ones = Invitation.objects.filter(account_id=account_id, accepted_at=None)
    invitation = or_not_found(open_ones.filter(pk=invitation_id).first(), "invitation")
    audit.record(account_id, by, Action.INVITATION_WITHDRAWN, object_id=invitation.pk)
    invitation.delete()


@transaction.atomic
def change_role(account_id: int, member_id: int, role: Role, by: Actor) -> None:
    """Raise ApiError: `not_found`, `conflict` where nobody would be left who owns the account."""
    member = _member(account_id, member_id)
    if role != Role.OWNER:
        _check_that_an_owner_stays(member)
    audit.record(
        account_id, by, Action.MEMBER_CHANGED,
        object_id=member.user_id, role={"from": member.role, "to": role.value},
    )  # fmt: skip
    member.role = role
    member.save(update_fields=["role"])


@transaction.atomic
def remove(account_id: int, member_id: int, by: Actor) -> None:
    """End a membership: from their next request on. Raise as `change_role`."""
    member = _member(account_id, member_id)
    _check_that_an_owner_stays(member)
    audit.record(account_id, by, Action.MEMBER_REMOVED, object_id=member.user_id)
    member.delete()


def _member(account_id: int, member_id: int) -> Member:
    # All of the account, so that two owners do not remove each other at once.
    members = list(Member.objects.select_for_update().filter(account_id=account_id).order_by("pk"))
    return or_not_found(next((one for one in members if one.pk == member_id), None), "member")


def _check_that_an_owner_stays(member: Member) -> None:
    owners = Member.objects.filter(account_id=member.account_id, role=Role.OWNER)
    if not owners.exclude(pk=member.pk).exists():
        raise ApiError(
            ErrorCode.CONFLICT, "An account needs an owner: make somebody else one first."
        )


@transaction.atomic
def call(user: User, name: str, meta: dict[str, Any]) -> None:
    """Let others be shown this name of a person, '' for that of their log-in alone."""
    user.first_name = name
    user.full_clean(exclude=["password"])
    user.save(update_fields=["first_name"])
    note(user, meta, Action.NAME_CHANGED)


@transaction.atomic
def note(user: User, meta: dict[str, Any], action: Action, **details: Any) -> None:
    """Record in each of this person's accounts what they did to their log-in."""
    by = Actor(user, client_network(meta))
    for member in memberships(user):
        audit.record(member.account_id, by, action, **details)
