"""Save contacts and groups, and queue what they are to be sent. One lock an account, since
get-or-create without a UNIQUE needs one: every request sees the one before it whole."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any, Literal, NotRequired
from uuid import UUID

from django.db import transaction
from typing_extensions import TypedDict

from contacts.models import Contact, ContactGroup, Membership
from http_api import clock
from http_api.errors import ApiError
from licenses.sender import Sender
from messaging import locks
from messaging.drafts import DEFAULT_PRIORITY, ClientTime, Draft, Invalid, to_message
from messaging.personalization import MessagePersonalizationService
from messaging.phone import is_foreign
from messaging.rules import SkipReason
from messaging.services.accept import LEAVE_OUT, Policy, accept
from messaging.services.batches import told_at

# Reasons for which only the SMS is left out; the contact is saved all the same.
_ONLY_THE_MESSAGE = Policy(left_out=frozenset({SkipReason.OPTED_OUT, SkipReason.DUPLICATE_MESSAGE}))


@dataclass(frozen=True, slots=True)
class ContactSms:
    """The SMS that goes with a contact; `template` may hold {name}."""

    template: str
    send_after: ClientTime
    send_before: ClientTime | None = None
    priority: int = DEFAULT_PRIORITY


@dataclass(frozen=True, slots=True)
class ContactDraft:
    """A contact as asked for."""

    name: str
    phone: str
    group_name: str | None = None
    sms: ContactSms | None = None


@dataclass(frozen=True, slots=True)
class SavedContact:
    id: int
    is_new: bool
    message_skipped: SkipReason | None  # the reason why an SMS that was asked for was not queued


class SkippedContact(TypedDict):
    """An item of a bulk, or only its SMS (`contact_saved`), that was left out."""

    index: int
    reason: SkipReason
    errors: NotRequired[dict[str, Any]]
    contact_saved: NotRequired[bool]


@dataclass(frozen=True, slots=True)
class SavedContacts:
    created_count: int
    updated_count: int
    messages_created_count: int
    skipped: list[SkippedContact]


GroupStatus = Literal["created", "existed"]


@dataclass(frozen=True, slots=True)
class GroupResult:
    name: str
    id: int
    status: GroupStatus


@transaction.atomic
def save_contact(
    sender: Sender, draft: ContactDraft, *, ignore_foreign_numbers: bool, callback_url: str = ""
) -> SavedContact:
    """Create or update one contact, put it into its group, queue its SMS: all or nothing. The URL is
    told of the SMS's events.

    Raises ApiError: `invalid`, `daily_limit_exceeded`.
    """
    locks.lock_account(sender.account_id)
    contact, is_new = Contact.objects.update_or_create(
        account_id=sender.account_id,
        phone=draft.phone,
        defaults={"name": draft.name},
        create_defaults={"name": draft.name, "created_at": clock.now()},
    )
    if draft.group_name is not None:
        [group] = _groups_by_name(sender, [draft.group_name]).values()
        put_into_groups(sender.account_id, {(contact.pk, group.pk)})
    skipped = _queue_one(sender, draft, ignore_foreign_numbers, callback_url)
    return SavedContact(contact.pk, is_new, skipped)


def _queue_one(
    sender: Sender, draft: ContactDraft, ignore_foreign_numbers: bool, callback_url: str
) -> SkipReason | None:
    """Queue the contact's message, if it has one. Return the reason where it was left out."""
    if draft.sms is None:
        return None
    if ignore_foreign_numbers and is_foreign(draft.phone, sender.country):
        return SkipReason.FOREIGN_NUMBER
    sms, batch = _message_of(draft, draft.sms), told_at(sender, callback_url)
    result = accept(sender, [sms], _ONLY_THE_MESSAGE, batch=batch, is_locked=True)
    return result.skipped[0].reason if result.skipped else None


@transaction.atomic
def save_contacts(
    sender: Sender,
    items: Sequence[ContactDraft | Invalid],
    *,
    ignore_foreign_numbers: bool,
    callback_url: str = "",
) -> SavedContacts:
    """Create or update contacts as if one after the other, in a number of queries that does not
    depend on how many there are.

    Raises ApiError `daily_limit_exceeded`; nothing is written then.
    """
    now = clock.now()
    drafts: dict[int, ContactDraft] = {}
    skipped: list[SkippedContact] = []
    for index, item in enumerate(items):
        errors = item.errors if isinstance(item, Invalid) else _problems(sender, item)
        if errors:
            skipped.append({"index": index, "reason": SkipReason.INVALID, "errors": errors})
        elif isinstance(item, ContactDraft):
            drafts[index] = item
    locks.lock_account(sender.account_id)
    created_count = _upsert(sender, list(drafts.values()), now)
    queued, left_out = _queue_many(sender, drafts, ignore_foreign_numbers, callback_url)
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
    """Return validation errors that appear only after `{name}` is substituted: too long, too late."""
    if draft.sms is None:
        return {}
    try:
        to_message(sender, _message_of(draft, draft.sms), clock.now())
    except ApiError as error:
        return error.errors
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
    put_into_groups(
        sender.account_id,
        {(contacts[draft.phone].pk, groups[str(draft.group_name)].pk) for draft in wanted},
    )
    return new_count


def put_into_groups(account_id: int, pairs: Set[tuple[int, int]]) -> None:
    """Put contacts into groups, both by id and of this account, in one statement; who is in it stays."""
    Membership.objects.bulk_create(
        (
            Membership(account_id=account_id, contact_id=contact_id, contactgroup_id=group_id)
            for contact_id, group_id in sorted(pairs)
        ),
        ignore_conflicts=True,
    )


def _queue_many(
    sender: Sender,
    drafts: dict[int, ContactDraft],
    ignore_foreign_numbers: bool,
    callback_url: str,
) -> tuple[int, dict[int, SkipReason]]:
    """Queue the contacts' messages. Answers how many, and the reasons of those left out by index."""
    left_out: dict[int, SkipReason] = {}
    wanted: dict[int, Draft] = {}
    for index, draft in drafts.items():
        if draft.sms is None:
            continue
        if ignore_foreign_numbers and is_foreign(draft.phone, sender.country):
            left_out[index] = SkipReason.FOREIGN_NUMBER
        else:
            wanted[index] = _message_of(draft, draft.sms)
    if not wanted:
        return 0, left_out
    batch = told_at(sender, callback_url)
    result = accept(sender, list(wanted.values()), LEAVE_OUT, batch=batch, is_locked=True)
    indexes = list(wanted)
    left_out |= {indexes[skip.index]: skip.reason for skip in result.skipped}
    return len(result.created), left_out


def _message_of(contact: ContactDraft, sms: ContactSms) -> Draft:
    """Return the SMS of a contact. It has no external id: phone, text and start identify it, so that a
    repeated request never sends twice."""
    text = MessagePersonalizationService().render(sms.template, name=contact.name)
    identity = f"{contact.phone}\0{sms.send_after.at.isoformat()}\0{text}"
    return Draft(
        phone=contact.phone,
        text=text,
        repeat_digest=UUID(bytes=hashlib.blake2b(identity.encode(), digest_size=16).digest()),
        send_after=sms.send_after,
        send_before=sms.send_before,
        priority=sms.priority,
    )


def create_group(sender: Sender, name: str) -> ContactGroup:
    """Create a group, even if one of this name exists (documented)."""
    return ContactGroup.objects.create(
        account_id=sender.account_id, name=name, created_at=clock.now()
    )


@transaction.atomic
def get_or_create_groups(sender: Sender, names: Sequence[str]) -> list[GroupResult]:
    """Return each name's group, created if absent; a repeated name "existed" the second time."""
    locks.lock_account(sender.account_id)
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
