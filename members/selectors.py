"""In which accounts a person is, and where people of an account are mailed: at an address whose link
they have opened, and at no other."""

from __future__ import annotations

from collections.abc import Collection

from allauth.account.models import EmailAddress
from django.contrib.auth.models import User

from members.models import Member, Role


def memberships(user: User) -> list[Member]:
    """Return this person's memberships of accounts that are active, the oldest first."""
    mine = Member.objects.filter(user=user, account__is_active=True).select_related("account")
    return list(mine.order_by("pk"))


def names(user_ids: Collection[int]) -> dict[int, str]:
    """Return how these people want to be called, those who said so."""
    named = User.objects.filter(pk__in=user_ids).exclude(first_name="")
    return dict(named.values_list("pk", "first_name"))


def addresses(account_id: int, member_ids: Collection[int]) -> list[str]:
    """Return the e-mail addresses of these of the account's members, each once."""
    return _addresses(account_id, pk__in=member_ids)


def addresses_of_owners(account_id: int) -> list[str]:
    """Return the e-mail addresses of the account's owners."""
    return _addresses(account_id, role=Role.OWNER)


def _addresses(account_id: int, **which: object) -> list[str]:
    chosen = Member.objects.filter(account_id=account_id, user__is_active=True, **which)
    theirs = EmailAddress.objects.filter(verified=True, user__in=chosen.values("user"))
    return sorted(set(theirs.values_list("email", flat=True)))


def with_address(user_ids: Collection[int]) -> set[int]:
    """Return which of these people can be mailed."""
    theirs = EmailAddress.objects.filter(verified=True, user__in=user_ids)
    return set(theirs.values_list("user_id", flat=True))
