"""Keep people and groups by their ids, for clients that manage an address book of their own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from contacts import selectors, services
from contacts.models import Contact, ContactGroup, Membership
from contacts.people import MOST_FIELDS, Person
from contacts.services import Consent, ContactDraft
from http_api import clock
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from licenses import tokens
from licenses.sender import Sender
from messaging import locks


@dataclass(frozen=True, slots=True)
class Entry:
    """A person as asked for; without a name, one that is known keeps theirs."""

    phone: str
    name: str | None = None
    group_ids: tuple[int, ...] = ()


@transaction.atomic
def save(sender: Sender, entries: Sequence[Entry], *, keep_groups: bool) -> list[Contact]:
    """Create or update these contacts and put them into their groups; all of them or none.

    `keep_groups` false: afterwards they are in no other group. The last of two entries for a phone
    wins. Raises ApiError `invalid` where a group is not the account's.
    """
    locks.lock_account(sender.account_id)
    _check_groups(
        sender.account_id, {group_id for entry in entries for group_id in entry.group_ids}
    )
    last = {entry.phone: entry for entry in entries}
    mine = Contact.objects.filter(account_id=sender.account_id, phone__in=last)
    known = dict(mine.values_list("phone", "name"))
    services.save_contacts(
        sender,
        [ContactDraft(_name(entry, known), phone) for phone, entry in last.items()],
        ignore_foreign_numbers=False,
    )
    saved = {contact.phone: contact for contact in mine}
    if not keep_groups:
        Membership.objects.filter(contact__in=saved.values()).delete()
    services.put_into_groups(
        sender.account_id,
        {(saved[phone].pk, group) for phone, entry in last.items() for group in entry.group_ids},
    )
    return [saved[phone] for phone in last]


def _name(entry: Entry, known: dict[str, str]) -> str:
    return known.get(entry.phone, "") if entry.name is None else entry.name


def _check_groups(account_id: int, wanted: Collection[int]) -> None:
    found = selectors.groups(account_id).filter(pk__in=wanted).count() if wanted else 0
    if found < len(wanted):
        raise ApiError.of_field("group_ids", f"{len(wanted) - found} of these groups do not exist")


@transaction.atomic
def change_contact(
    account_id: int,
    contact_id: int,
    *,
    name: str | None = None,
    phone: str | None = None,
    group_ids: Collection[int] | None = None,
    fields: Mapping[str, str] | None = None,
    consent: Consent | None = None,
) -> None:
    """Change what is given; `group_ids` are all groups, `fields` all fields, that it has afterwards.

    Opt-outs are of numbers: with a new one the contact has that one's. Raise ApiError: `not_found`;
    `conflict` where another contact has the number; `invalid` where a group is not the account's.
    """
    contact = _locked_contact(account_id, contact_id)
    if phone is not None:
        _check_is_free(contact, phone)
    contact.name, contact.phone = name or contact.name, phone or contact.phone
    if fields is not None:
        contact.fields = dict(fields)
    if consent is not None:
        contact.consent_note, contact.consent_by = consent
        contact.consent_at = clock.now()
    contact.save()
    if group_ids is not None:
        _check_groups(account_id, set(group_ids))
        Membership.objects.filter(contact=contact).exclude(contactgroup__in=group_ids).delete()
        services.put_into_groups(account_id, {(contact.pk, group_id) for group_id in group_ids})


@transaction.atomic
def ensure(account_id: int, phone: str, name: str) -> Contact:
    """Return who has this number; a new contact of this name where nobody has."""
    locks.lock_account(account_id)
    person = Person(phone, name)
    saved = services.save_people(account_id, [person], known=services.Known.KEEP)
    return selectors.contact(account_id, saved.ids[phone])


def _check_is_free(contact: Contact, phone: str) -> None:
    others = Contact.objects.filter(account_id=contact.account_id, phone=phone)
    if taken := others.exclude(pk=contact.pk).first():
        raise ApiError.of_field(
            "phone",
            f"another contact has this number; its id is {taken.pk}",
            code=ErrorCode.CONFLICT,
        )


@transaction.atomic
def delete_contact(account_id: int, contact_id: int) -> None:
    """Delete a contact. Its number's messages and opt-out stay. Raise ApiError `not_found`."""
    _locked_contact(account_id, contact_id).delete()


@transaction.atomic
def delete_contacts(account_id: int, contact_ids: Collection[int]) -> int:
    """Delete those of these that are the account's; return how many. As `delete_contact`."""
    locks.lock_account(account_id)
    _, by_model = Contact.objects.filter(account_id=account_id, pk__in=contact_ids).delete()
    return by_model.get(Contact._meta.label, 0)


@transaction.atomic
def merge_contacts(account_id: int, contact_id: int, other_ids: Collection[int]) -> Contact:
    """Let a contact be in the others' groups, give it what it lacks of theirs, and delete them.

    It keeps its number. Raise ApiError `not_found`, and `invalid` where it would have too many fields.
    """
    contact = _locked_contact(account_id, contact_id)
    mine = selectors.contacts(account_id)
    others = list(mine.filter(pk__in=other_ids).exclude(pk=contact_id).order_by("pk"))
    for other in others:
        contact.name = contact.name or other.name
        contact.fields = {**other.fields, **contact.fields}
        if contact.consent_at is None:
            contact.consent_note, contact.consent_by = other.consent_note, other.consent_by
            contact.consent_at = other.consent_at
    if len(contact.fields) > MOST_FIELDS:
        raise ApiError.of_field("fields", f"it would have more than {MOST_FIELDS} fields")
    contact.save()
    pairs = {(contact.pk, group.pk) for other in others for group in other.groups.all()}
    services.put_into_groups(account_id, pairs)
    mine.filter(pk__in=[other.pk for other in others]).delete()
    return contact


def _locked_contact(account_id: int, contact_id: int) -> Contact:
    locks.lock_account(account_id)
    return selectors.contact(account_id, contact_id)


@transaction.atomic
def ensure_group(account_id: int, name: str) -> ContactGroup:
    """Return the group of this name, which is made where there is none."""
    locks.lock_account(account_id)
    return services.groups_by_name(account_id, [name])[name]


@transaction.atomic
def rename_group(account_id: int, group_id: int, name: str) -> ContactGroup:
    """Return the group. Raise ApiError `not_found`, as all below."""
    group = _locked_group(account_id, group_id)
    group.name = name
    group.save(update_fields=["name"])
    return group


@transaction.atomic
def delete_group(account_id: int, group_id: int, *, with_contacts: bool) -> None:
    """Delete a group, and its contacts too if asked; messages to them are kept.

    Raise ApiError `conflict` where an alert link sends to it: its alerts would reach nobody.
    """
    group = _locked_group(account_id, group_id)
    if tokens.is_alerted(account_id, group_id):
        words = "An alert link sends to this group: revoke it first (admin, Hook links)."
        raise ApiError(ErrorCode.CONFLICT, words)
    if with_contacts:
        group.contacts.all().delete()
    group.delete()


@transaction.atomic
def merge_groups(account_id: int, group_id: int, other_ids: Collection[int]) -> ContactGroup:
    """Move the others' contacts into a group and delete the others. Raise ApiError as `delete_group`."""
    group = _locked_group(account_id, group_id)
    others = selectors.groups(account_id).filter(pk__in=other_ids).exclude(pk=group_id)
    members = Membership.objects.filter(account_id=account_id, contactgroup__in=others)
    services.put_into_groups(
        account_id,
        {(contact_id, group_id) for contact_id in members.values_list("contact", flat=True)},
    )
    for other in others:
        delete_group(account_id, other.pk, with_contacts=False)
    return group


@transaction.atomic
def put_all(account_id: int, group_id: int, contact_ids: Collection[int]) -> int:
    """Put those of these contacts that are the account's into a group; return how many they are."""
    _locked_group(account_id, group_id)
    mine = selectors.contacts(account_id).filter(pk__in=contact_ids).values_list("pk", flat=True)
    services.put_into_groups(account_id, {(contact_id, group_id) for contact_id in mine})
    return len(mine)


@transaction.atomic
def take_all_out(account_id: int, group_id: int, contact_ids: Collection[int]) -> int:
    """Take these contacts out of a group; return how many were in it."""
    group = _locked_group(account_id, group_id)
    inside = Membership.objects.filter(account_id=account_id, contactgroup=group)
    return inside.filter(contact__in=contact_ids).delete()[0]


@transaction.atomic
def add_to_group(account_id: int, group_id: int, contact_id: int) -> None:
    group = _locked_group(account_id, group_id)
    contact = selectors.contact(account_id, contact_id)
    services.put_into_groups(account_id, {(contact.pk, group.pk)})


@transaction.atomic
def remove_from_group(account_id: int, group_id: int, contact_id: int) -> None:
    group = _locked_group(account_id, group_id)
    selectors.contact(account_id, contact_id).groups.remove(group)


def _locked_group(account_id: int, group_id: int) -> ContactGroup:
    """With the account's lock: nobody deletes meanwhile what is put together here."""
    locks.lock_account(account_id)
    return selectors.group(account_id, group_id)
