"""Save contacts and groups, and queue what they are to be sent. One lock an account (DESIGN: get-or-
create without a UNIQUE needs one), so that every request sees the one before it whole."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NotRequired
from uuid import UUID

from django.db import transaction
from typing_extensions import TypedDict

from contacts.models import Contact, ContactGroup
from http_api import clock
from http_api.errors import Refusal
from licenses.auth import Sender
from messaging import intake
from messaging.drafts import DEFAULT_PRIORITY, ClientTime, Draft, to_message
from messaging.personalization import MessagePersonalizationService
from messaging.phone import is_foreign
from messaging.services.accept import Invalid, accept_locked, accept_one

# Reasons for which only the SMS is left out; the contact is saved all the same.
_ONLY_THE_MESSAGE = frozenset({"opted_out", "foreign_number", "duplicate_message"})


@dataclass(frozen=True, slots=True)
class ContactDraft:
    """A contact as asked for, with the SMS that goes with it, if any; `message` may hold {name}."""

    name: str
    phone: str
    group_name: str | None = None
    message: str | None = None
    send_after: ClientTime | None = None
    send_before: ClientTime | None = None
    priority: int = DEFAULT_PRIORITY


@dataclass(frozen=True, slots=True)
class SavedContact:
    id: int
    is_new: bool
    message_skipped: str | None  # the reason why an SMS that was asked for was not queued


class Skipped(TypedDict):
    """An item of a bulk, or only its SMS (`contact_saved`), that was left out."""

    index: int
    reason: str
    errors: NotRequired[dict[str, Any]]
    contact_saved: NotRequired[bool]


@dataclass(frozen=True, slots=True)
class SavedContacts:
    created_count: int
    updated_count: int
    messages_created_count: int
    skipped: list[Skipped]


@dataclass(frozen=True, slots=True)
class GroupResult:
    name: str
    id: int
    status: str  # "created" or "existed"


@transaction.atomic
def save_contact(
    sender: Sender, draft: ContactDraft, *, ignore_foreign_numbers: bool
) -> SavedContact:
    """Create or update one contact, put it into its group, queue its SMS: all or nothing.

    Raises Refusal: `invalid`, `daily_limit_exceeded`.
    """
    intake.lock_account(sender.account_id)
    contact, is_new = Contact.objects.update_or_create(
        account_id=sender.account_id,
        phone=draft.phone,
        defaults={"name": draft.name},
        create_defaults={"name": draft.name, "created_at": clock.now()},
    )
    if draft.group_name is not None:
        [group] = _groups_by_name(sender, [draft.group_name]).values()
        contact.groups.add(group.pk)
    skipped = None
    if draft.message is not None:
        skipped = _queue_one(sender, draft, ignore_foreign_numbers)
    return SavedContact(contact.pk, is_new, skipped)


def _queue_one(sender: Sender, draft: ContactDraft, ignore_foreign_numbers: bool) -> str | None:
    if ignore_foreign_numbers and is_foreign(draft.phone, sender.country):
        return "foreign_number"
    try:
        accept_one(sender, _message_of(draft))
    except Refusal as refusal:
        if refusal.code not in _ONLY_THE_MESSAGE:
            raise
        return refusal.code
    return None


@transaction.atomic
def save_contacts(
    sender: Sender, items: Sequence[ContactDraft | Invalid], *, ignore_foreign_numbers: bool
) -> SavedContacts:
    """Create or update contacts as if one after the other, in a number of queries that does not
    depend on how many there are.

    Raises Refusal `daily_limit_exceeded`; nothing is written then.
    """
    intake.lock_account(sender.account_id)
    now = clock.now()
    drafts: dict[int, ContactDraft] = {}
    skipped: list[Skipped] = []
    for index, item in enumerate(items):
        errors = item.errors if isinstance(item, Invalid) else _problems(sender, item)
        if errors:
            skipped.append({"index": index, "reason": "invalid", "errors": errors})
        elif isinstance(item, ContactDraft):
            drafts[index] = item
    created_count = _upsert(sender, list(drafts.values()), now)
    queued, left_out = _queue_many(sender, drafts, ignore_foreign_numbers)
    skipped += (
        {"index": index, "reason": reason, "contact_saved": True}
        for index, reason in left_out.items()
    )
    return SavedContacts(
        created_count=created_count,
        updated_count=len(drafts) - created_count,
        messages_created_count=queued,
        skipped=sorted(skipped, key=lambda skip: int(skip["index"])),
    )


def _problems(sender: Sender, draft: ContactDraft) -> dict[str, Any]:
    """What is wrong with an item's message only once it has its name in it: too long, too late."""
    if draft.message is None:
        return {}
    try:
        to_message(sender, _message_of(draft), clock.now())
    except Refusal as refusal:
        return refusal.errors
    return {}


def _upsert(sender: Sender, drafts: Sequence[ContactDraft], now: dt.datetime) -> int:
    """Save contacts and memberships; the last name of a phone wins. Answers how many are new."""
    names = {draft.phone: draft.name for draft in drafts}
    contacts = {
        contact.phone: contact
        for contact in Contact.objects.filter(account_id=sender.account_id, phone__in=names)
    }
    new_count = len(names.keys() - contacts.keys())
    saved = Contact.objects.bulk_create(  # what is known by its phone gets its new name
        (
            Contact(account_id=sender.account_id, phone=phone, name=name, created_at=now)
            for phone, name in names.items()
            if phone not in contacts or contacts[phone].name != name
        ),
        update_conflicts=True,
        unique_fields=["account", "phone"],
        update_fields=["name"],
    )
    contacts |= {contact.phone: contact for contact in saved}
    wanted = [draft for draft in drafts if draft.group_name is not None]
    groups = _groups_by_name(sender, [str(draft.group_name) for draft in wanted])
    membership = Contact.groups.through
    membership.objects.bulk_create(
        (
            membership(contact_id=contact_id, contactgroup_id=group_id)
            for contact_id, group_id in sorted(
                {(contacts[draft.phone].pk, groups[str(draft.group_name)].pk) for draft in wanted}
            )
        ),
        ignore_conflicts=True,
    )
    return new_count


def _queue_many(
    sender: Sender, drafts: dict[int, ContactDraft], ignore_foreign_numbers: bool
) -> tuple[int, dict[int, str]]:
    """Queue the contacts' messages. Answers how many, and the reasons of those left out by index."""
    left_out: dict[int, str] = {}
    wanted: dict[int, Draft] = {}
    for index, draft in drafts.items():
        if draft.message is None:
            continue
        if ignore_foreign_numbers and is_foreign(draft.phone, sender.country):
            left_out[index] = "foreign_number"
        else:
            wanted[index] = _message_of(draft)
    if not wanted:
        return 0, left_out
    batch = accept_locked(sender, list(wanted.values()))
    indexes = list(wanted)
    left_out |= {indexes[skip.index]: skip.reason for skip in batch.skipped}
    return len(batch.created), left_out


def _message_of(draft: ContactDraft) -> Draft:
    """The SMS of a contact. It has no external id: phone, text and start identify it, so that a
    repeated request never sends twice."""
    assert draft.message is not None
    assert draft.send_after is not None
    text = MessagePersonalizationService().render(draft.message, name=draft.name)
    identity = f"{draft.phone}\0{draft.send_after.at.isoformat()}\0{text}"
    return Draft(
        phone=draft.phone,
        text=text,
        repeat_digest=UUID(bytes=hashlib.blake2b(identity.encode(), digest_size=16).digest()),
        send_after=draft.send_after,
        send_before=draft.send_before,
        priority=draft.priority,
    )


def create_group(sender: Sender, name: str) -> ContactGroup:
    """A new group, also where one of this name exists (documented)."""
    return ContactGroup.objects.create(
        account_id=sender.account_id, name=name, created_at=clock.now()
    )


@transaction.atomic
def ensure_groups(sender: Sender, names: Sequence[str]) -> list[GroupResult]:
    """Each name's group, made where there is none; a name that comes twice existed the second time."""
    intake.lock_account(sender.account_id)
    existing = _existing_groups(sender, names)
    groups = _groups_by_name(sender, names, existing)
    results = []
    for name in names:
        results.append(
            GroupResult(name, groups[name].pk, "existed" if name in existing else "created")
        )
        existing[name] = groups[name]
    return results


def _existing_groups(sender: Sender, names: Sequence[str]) -> dict[str, ContactGroup]:
    """By exact name; where several exist the lowest id is meant."""
    if not names:
        return {}
    found = ContactGroup.objects.filter(account_id=sender.account_id, name__in=set(names))
    return {group.name: group for group in found.order_by("-pk")}


def _groups_by_name(
    sender: Sender, names: Sequence[str], existing: dict[str, ContactGroup] | None = None
) -> dict[str, ContactGroup]:
    """Get or create; the caller holds the account's lock."""
    groups = dict(_existing_groups(sender, names) if existing is None else existing)
    now = clock.now()
    missing = [name for name in dict.fromkeys(names) if name not in groups]
    new = ContactGroup.objects.bulk_create(
        ContactGroup(account_id=sender.account_id, name=name, created_at=now) for name in missing
    )
    return groups | {group.name: group for group in new}
