"""Everything that reads contacts and groups for somebody to see. Always scoped to one account."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

from django.db.models import Min, Prefetch, QuerySet

from contacts.models import Contact, ContactGroup
from http_api.errors import Refusal


def contacts(account_id: int) -> QuerySet[Contact]:
    """With the groups that each is in."""
    groups = Prefetch("groups", ContactGroup.objects.order_by("pk"))
    return Contact.objects.filter(account_id=account_id).prefetch_related(groups)


def contact(account_id: int, contact_id: int) -> Contact:
    """Raises Refusal `not_found`, also for another account's."""
    return _found(contacts(account_id).filter(pk=contact_id).first(), "contact")


def contact_by_phone(account_id: int, phone: str) -> Contact:
    """Raises Refusal `not_found`."""
    return _found(contacts(account_id).filter(phone=phone).first(), "contact")


def groups(account_id: int) -> QuerySet[ContactGroup]:
    return ContactGroup.objects.filter(account_id=account_id)


def group(account_id: int, group_id: int) -> ContactGroup:
    """Raises Refusal `not_found`, also for another account's."""
    return _found(groups(account_id).filter(pk=group_id).first(), "group")


def group_ids_by_name(account_id: int, names: Collection[str]) -> dict[str, int]:
    """By exact name; where several exist the lowest id is meant, names of none are absent."""
    named = groups(account_id).filter(name__in=names)
    return dict(named.values_list("name").annotate(Min("pk")))


def phones_in(account_id: int, group_ids: Collection[int]) -> list[str]:
    """The number of everybody who is in any of these groups, each once."""
    inside = Contact.objects.filter(account_id=account_id, groups__in=group_ids)
    return list(inside.order_by("pk").values_list("phone", flat=True).distinct())


Row = TypeVar("Row", Contact, ContactGroup)


def _found(row: Row | None, what: str) -> Row:
    if row is None:
        raise Refusal("not_found", f"There is no such {what}.")
    return row
