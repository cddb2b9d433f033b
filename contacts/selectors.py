"""Everything that reads contacts and groups for somebody to see. Always scoped to one account."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import phonenumbers
from django.db.models import (
    Exists,
    IntegerField,
    Min,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Collate

from contacts.models import Contact, ContactGroup, Folded, LastWord, Membership
from http_api.errors import or_not_found
from http_api.pagination import walked
from http_api.shapes import MAX_ID
from licenses.sender import Sender
from messaging.models import OptOut


def contacts(account_id: int) -> QuerySet[Contact]:
    """With the groups that each is in."""
    groups = Prefetch("groups", ContactGroup.objects.order_by("pk"))
    return Contact.objects.filter(account_id=account_id).prefetch_related(groups)


@dataclass(frozen=True, slots=True)
class ContactFilter:
    search: str | None = (
        None  # a part of the name in any case, or of the number; no index serves it
    )
    phone: str | None = None  # E.164
    group: int | None = None
    in_no_group: bool = False  # no index serves this, nor the next
    opted_out: bool = False
    below: int = MAX_ID  # the page's cursor, by which a group's members are found


def found_contacts(account_id: int, wanted: ContactFilter) -> QuerySet[Contact]:
    """As `contacts`, those that are asked for, with the id of their opt-out, `opt_out_id`, or None."""
    # A scalar subquery is one look-up by index for each row of a page; EXISTS may hash the whole table.
    said = OptOut.objects.filter(account_id=OuterRef("account_id"), phone=OuterRef("phone"))
    found = contacts(account_id).annotate(opt_out_id=Subquery(said.values("pk")[:1]))
    if wanted.phone is not None:
        found = found.filter(phone=wanted.phone)
    if wanted.group is not None:
        found = found.filter(
            membership__contactgroup=wanted.group, membership__contact_id__lt=wanted.below
        )
    if wanted.in_no_group:
        inside = Membership.objects.filter(contact=OuterRef("pk"))
        found = found.filter(~Exists(inside))
    if wanted.opted_out:
        found = found.filter(opt_out_id__isnull=False)
    return found if wanted.search is None else found.filter(_has(wanted.search))


def found_contact(account_id: int, contact_id: int) -> Contact:
    """As `found_contacts`. Raise ApiError `not_found`, also for another account's."""
    mine = found_contacts(account_id, ContactFilter())
    return or_not_found(mine.filter(pk=contact_id).first(), "contact")


_BETWEEN_DIGITS = re.compile(r"[\s().+-]")


def _has(term: str) -> Q:
    digits = _BETWEEN_DIGITS.sub("", term)
    return named(term) | Q(phone__contains=digits) if digits.isdecimal() else named(term)


def named(term: str) -> Q:
    """Return whose name has this part, in any case: a database of the locale C knows ASCII's alone."""
    letters = ({letter, letter.lower(), letter.upper()} for letter in term)
    return Q(name__regex="".join(f"(?:{'|'.join(map(re.escape, sorted(one)))})" for one in letters))


def contact(account_id: int, contact_id: int) -> Contact:
    """Raise ApiError `not_found`, also for another account's."""
    return or_not_found(contacts(account_id).filter(pk=contact_id).first(), "contact")


def contact_by_phone(account_id: int, phone: str) -> Contact:
    """Raise ApiError `not_found`."""
    return or_not_found(contacts(account_id).filter(phone=phone).first(), "contact")


def names_of(account_id: int, phones: Collection[str]) -> dict[str, str]:
    """Return the names of the account's contacts who have one of these numbers."""
    found = Contact.objects.filter(account_id=account_id, phone__in=set(phones)).exclude(name="")
    return dict(found.values_list("phone", "name"))


LEAST_LETTERS = 2
MOST_NAMED = 20


def named_like(account_id: int, text: str) -> list[Contact]:
    """Return contacts whose name, or its last word, begins with this text of LEAST_LETTERS or more: at
    most MOST_NAMED, by name. Neither case nor Polish marks matter."""
    text = " ".join(text.split())
    if len(text) < LEAST_LETTERS:
        return []
    mine = Contact.objects.filter(account_id=account_id)
    by_last_word = mine.filter(name__contains=" ").alias(folded=Folded(LastWord("name")))
    begins = {"folded__gte": Folded(Value(text)), "folded__lt": Folded(Value(f"{text}{_HIGHEST}"))}
    found: dict[int, Contact] = {
        contact.pk: contact
        for rows in (mine.alias(folded=Folded("name")), by_last_word)
        for contact in rows.filter(**begins).order_by("folded")[:MOST_NAMED]
    }
    return sorted(found.values(), key=lambda one: (one.name, one.pk))[:MOST_NAMED]


_HIGHEST = "\U0010ffff"  # behind each letter


LEAST_DIGITS = 3
_SEPARATORS = re.compile(r"[\s().-]")


def found_like(account_id: int, text: str, country: str) -> list[Contact]:
    """Return contacts whose name, its last word or number begins with this text, as `found_contacts`: at
    most MOST_NAMED of each, by an index, however many there are."""
    ids = [contact.pk for contact in named_like(account_id, text)]
    digits = _SEPARATORS.sub("", text).removeprefix("00")
    if re.fullmatch(rf"\+?[0-9]{{{LEAST_DIGITS},15}}", digits):
        ids += _numbered_like(account_id, digits, country)
    found = found_contacts(account_id, ContactFilter()).in_bulk(ids)
    return [found[pk] for pk in dict.fromkeys(ids)]


def _numbered_like(account_id: int, digits: str, country: str) -> list[int]:
    """Return the ids of contacts whose number begins with these digits, with or without its country."""
    own_code = phonenumbers.country_code_for_region(country)
    beginnings = [digits] if digits.startswith("+") else [f"+{own_code}{digits}", f"+{digits}"]
    by_number = Contact.objects.filter(account_id=account_id).alias(digits=Collate("phone", "C"))
    return [
        pk
        for begins in beginnings
        for pk in by_number.filter(digits__gte=begins, digits__lt=f"{begins}:")  # behind each digit
        .order_by("digits")
        .values_list("pk", flat=True)[:MOST_NAMED]
    ]


def same_names(contact: Contact) -> list[Contact]:
    """Return others of this name: they may be the same person, with another number."""
    others = named_like(contact.account_id, contact.name)
    return [one for one in others if one.pk != contact.pk and one.name == contact.name]


def groups(account_id: int, search: str | None = None) -> QuerySet[ContactGroup]:
    """`search`: a part of the name, in any case; no index serves it."""
    found = ContactGroup.objects.filter(account_id=account_id)
    return found if search is None else found.filter(named(search))


class _CountOf(Subquery):
    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def counted_groups(account_id: int) -> QuerySet[ContactGroup]:
    """Return groups with the `count` of their contacts, which ends at pagination.MOST + 1. The index of
    groups alone is read: it has no account."""
    members = Membership.objects.filter(contactgroup=OuterRef("pk")).values("contactgroup")
    return groups(account_id).annotate(count=_CountOf(walked(members)))


def group(account_id: int, group_id: int) -> ContactGroup:
    """Raise ApiError `not_found`, also for another account's."""
    return or_not_found(groups(account_id).filter(pk=group_id).first(), "group")


def group_ids_by_name(account_id: int, names: Collection[str]) -> dict[str, int]:
    """By exact name; where several exist the lowest id is meant, names of none are absent."""
    named = groups(account_id).filter(name__in=names)
    return dict(named.values_list("name").annotate(Min("pk")))


def phones_in(
    sender: Sender, group_ids: Collection[int], *, at_most: int | None = None
) -> list[str]:
    """Return whom this licence may send to in any of these groups, each number once."""
    inside = Contact.objects.filter(account_id=sender.account_id, groups__in=group_ids)
    if not sender.allow_short_codes:
        inside = inside.filter(phone__startswith="+")
    return list(inside.order_by("pk").values_list("phone", flat=True).distinct()[:at_most])
