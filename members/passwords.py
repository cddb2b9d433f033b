"""Links by which somebody who forgot a password chooses a new one: good once, for a day."""

from __future__ import annotations

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.contrib.auth.models import User
from django.db import transaction

from http_api.errors import or_not_found
from members import audit
from members.audit import Action, Actor
from members.models import Member
from members.services import password_link


def in_an_owners_hands(account_id: int, owner: User | None) -> dict[int, Member]:
    """Return the members, by id, for whom this owner of the account can make a link: those who may
    nothing elsewhere, since whoever uses it is that person everywhere."""
    members = list(
        Member.objects.filter(
            account_id=account_id, user__is_active=True, user__is_staff=False,
            user__is_superuser=False,
        ).exclude(user=owner).select_related("user")
    )  # fmt: skip
    elsewhere = _elsewhere(account_id, [member.user_id for member in members])
    return {member.pk: member for member in members if member.user_id not in elsewhere}


def _elsewhere(account_id: int, user_ids: list[int]) -> set[int]:
    others = Member.objects.filter(user_id__in=user_ids).exclude(account_id=account_id)
    return set(others.values_list("user_id", flat=True))


@transaction.atomic
def new_link(account_id: int, member_id: int, by: Actor) -> str:
    """Make a link for this member. A second factor stays. Raise ApiError `not_found`."""
    member = or_not_found(in_an_owners_hands(account_id, by.user).get(member_id), "member")
    audit.record(account_id, by, Action.RESET_LINK_MADE, object_id=member.user_id)
    return password_link(_key(member.user))


def _key(user: User) -> str:
    """As allauth reads it. It is void after the next log-in and with another password or e-mail."""
    return f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
