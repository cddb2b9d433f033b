"""In which accounts a person is."""

from __future__ import annotations

from django.contrib.auth.models import User

from members.models import Member


def memberships(user: User) -> list[Member]:
    """Return this person's memberships of accounts that are active, the oldest first."""
    mine = Member.objects.filter(user=user, account__is_active=True).select_related("account")
    return list(mine.order_by("pk"))
