"""Everything that reads contacts and groups for somebody to see. Always scoped to one account."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Func, IntegerField, Min, OuterRef, Prefetch, QuerySet

from contacts.models import Contact, ContactGroup, Membership
from http_api.errors import or_not_found
from http_api.pagination import MOST
from licenses.sender import Sender


def contacts(account_id: int) -> QuerySet[Contact]:
    """With the groups that each is in."""
    groups = Prefetch("groups", ContactGroup.objects.order_by("pk"))
    return Contact.objects.filter(account_id=account_id).prefetch_related(groups)


def contact(account_id: int, contact_id: int) -> Contact:
    """Raise ApiError `not_found`, also for another account's."""
    return or_not_found(contacts(account_id).filter(pk=contact_id).first(), "contact")


def contact_by_phone(account_id: int, phone: str) -> Contact:
    """Raise ApiError `not_found`."""
    return or_not_found(contacts(account_id).filter(phone=phone).first(), "contact")


def groups(account_id: int) -> QuerySet[ContactGroup]:
    return ContactGroup.objects.filter(account_id=account_id)


def counted_groups(account_id: int) -> QuerySet[ContactGroup]:
    """Return groups with the `count` of their contacts, which ends at MOST + 1."""
    members = Membership.objects.filter(account_id=account_id, contactgroup=OuterRef("pk"))
    first = ArraySubquery(members.values("pk")[: MOST + 1])
    size = Func(first, function="cardinality", output_field=IntegerField())
    return groups(account_id).annotate(count=size)


def group(account_id: int, group_id: int) -> ContactGroup:
    """Raise ApiError `not_found`, also for another account's."""
    return or_not_found(groups(account_id).filter(pk=group_id).first(), "group")


def group_ids_by_name(account_id: int, names: Collection[str]) -> dict[str, int]:
    """By exact name; where several exist the lowest id is meant, names of none are absent."""
    named = groups(account_id).filter(name__in=names)
    return dict(named.values_list("name").annotate(Min("pk")))


def phones_in(sender: Sender, group_ids: Collection[int]) -> list[str]:
    """Return whom this licence may send to in any of these groups, each number once."""
    inside = Contact.objects.filter(account_id=sender.account_id, groups__in=group_ids)
    if not sender.allow_short_codes:
        inside = inside.filter(phone__startswith="+")
    return list(inside.order_by("pk").values_list("phone", flat=True).distinct())
