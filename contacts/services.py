"""Save contacts and groups, and queue what they are to be sent. One lock an account, since
get-or-create without a UNIQUE needs one: every request sees the one before it whole."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, NotRequired, TypeAlias
from uuid import UUID

from django.db import transaction
from typing_extensions import TypedDict

from contacts import writing
from contacts.models import Contact, ContactGroup, Import, Membership
from contacts.people import MOST_FIELDS, Person
from contacts.writing import ContactRow
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
    fields: Mapping[str, str] | None = None  # all that it has afterwards; None: those that it has
    consent_note: str = ""


Known: TypeAlias = Import.Known


class Consent(NamedTuple):
    """That people agreed to be written to: what by, and who says so."""

    note: str
    by: str


@dataclass(frozen=True, slots=True)
class SavedPeople:
    """People who were saved, by their numbers. `full`: who was not, having too many fields then."""

    ids: dict[str, int]
    new: Set[str]
    changed: Set[str]
    full: Set[str]
    group_ids: Set[int]

    @property
    def known(self) -> Set[str]:
        """Return who was there already, changed or not."""
        return self.ids.keys() - self.new


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
    saved = _save_drafts(sender, [draft])
    skipped = _queue_one(sender, draft, ignore_foreign_numbers, callback_url)
    return SavedContact(saved.ids[draft.phone], bool(saved.new), skipped)


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
    drafts: dict[int, ContactDraft] = {}
    skipped: list[SkippedContact] = []
    for index, item in enumerate(items):
        errors = item.errors if isinstance(item, Invalid) else _problems(sender, item)
        if errors:
            skipped.append({"index": index, "reason": SkipReason.INVALID, "errors": errors})
        elif isinstance(item, ContactDraft):
            drafts[index] = item
    locks.lock_account(sender.account_id)
    created_count = len(_save_drafts(sender, list(drafts.values())).new)
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


def name_of(sender: Sender) -> str:
    """Return who a program is, where a person would be named."""
    return f"licence {sender.license_id}"


def _save_drafts(sender: Sender, drafts: Sequence[ContactDraft]) -> SavedPeople:
    """Save contacts; of several for a phone the last wins, and all their groups are meant."""
    last: dict[str, ContactDraft] = {}
    groups: dict[str, tuple[str, ...]] = {}
    for draft in drafts:
        last[draft.phone] = draft
        mine = groups.get(draft.phone, ())
        groups[draft.phone] = mine if draft.group_name is None else (*mine, draft.group_name)
    people = [
        Person(phone, draft.name, groups[phone], draft.fields) for phone, draft in last.items()
    ]
    by = name_of(sender)
    consents = {
        phone: Consent(draft.consent_note, by)
        for phone, draft in last.items()
        if draft.consent_note
    }
    return save_people(sender.account_id, people, consents=consents, fields_are_all=True)


def save_people(
    account_id: int,
    people: Sequence[Person],
    *,
    known: Known = Known.OVERWRITE,
    consents: Mapping[str, Consent] | None = None,
    fields_are_all: bool = False,
    made_by: int | None = None,
) -> SavedPeople:
    """Save people, each of another number, and put them into their groups, which are made where they are
    missing, in a number of queries that does not depend on how many there are.

    `known` says what becomes of those who are in the account already. `fields_are_all`: they have no
    other ones afterwards. The caller holds the account's lock.
    """
    found = {
        contact.phone: contact
        for contact in Contact.objects.filter(
            account_id=account_id, phone__in=[person.phone for person in people]
        )
    }
    if known == Known.SKIP:
        people = [person for person in people if person.phone not in found]
    wanted = {person.phone: _wanted(found.get(person.phone), person, known, fields_are_all)
              for person in people}  # fmt: skip
    full = {phone for phone, (_, fields) in wanted.items() if len(fields) > MOST_FIELDS}
    now = clock.now()
    rows = [
        _row(phone, name, fields, found.get(phone), (consents or {}).get(phone), made_by, now)
        for phone, (name, fields) in wanted.items()
        if phone not in full
    ]
    changed = [row for row in rows if _differs(row, found.get(row.phone))]
    written = writing.write(account_id, changed, now)
    ids = {phone: contact.pk for phone, contact in found.items()} | written
    people = [person for person in people if person.phone not in full]
    groups = groups_by_name(account_id, [name for person in people for name in person.groups])
    pairs = {(ids[person.phone], groups[name].pk) for person in people for name in person.groups}
    put_into_groups(account_id, pairs)
    phones = written.keys()
    return SavedPeople(
        ids, phones - found.keys(), phones & found.keys(), full, {group for _, group in pairs}
    )


def _wanted(
    old: Contact | None, person: Person, known: Known, fields_are_all: bool
) -> tuple[str, Mapping[str, str]]:
    """Return the name and the fields that somebody has afterwards."""
    before: Mapping[str, str] = old.fields if old else {}
    given = before if person.fields is None else person.fields
    if old is not None and known == Known.KEEP:
        return old.name or person.name, {**given, **before}
    name = person.name or (old.name if old else "")
    return name, given if fields_are_all else {**before, **given}


def _row(
    phone: str,
    name: str,
    fields: Mapping[str, str],
    old: Contact | None,
    consent: Consent | None,
    made_by: int | None,
    now: dt.datetime,
) -> ContactRow:
    note, at, by = _consent(old) if old is not None else ("", None, "")
    if consent is not None and (note, by) != consent:
        note, at, by = consent.note, now, consent.by
    return ContactRow(phone, name, fields, note, at, by, made_by if old is None else None)


def _consent(contact: Contact) -> tuple[str, dt.datetime | None, str]:
    return contact.consent_note, contact.consent_at, contact.consent_by


def _differs(row: ContactRow, old: Contact | None) -> bool:
    return old is None or row[1:-1] != (old.name, old.fields, *_consent(old))


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
    existing = _existing_groups(sender.account_id, names)
    groups = groups_by_name(sender.account_id, names, existing)
    results = []
    for name in names:
        results.append(
            GroupResult(name, groups[name].pk, "existed" if name in existing else "created")
        )
        existing[name] = groups[name]
    return results


def _existing_groups(account_id: int, names: Sequence[str]) -> dict[str, ContactGroup]:
    """By exact name; where several exist the lowest id is meant."""
    if not names:
        return {}
    found = ContactGroup.objects.filter(account_id=account_id, name__in=set(names))
    return {group.name: group for group in found.order_by("-pk")}


def groups_by_name(
    account_id: int, names: Sequence[str], existing: dict[str, ContactGroup] | None = None
) -> dict[str, ContactGroup]:
    """Get or create; the caller holds the account's lock."""
    groups = dict(_existing_groups(account_id, names) if existing is None else existing)
    now = clock.now()
    missing = [name for name in dict.fromkeys(names) if name not in groups]
    new = ContactGroup.objects.bulk_create(
        ContactGroup(account_id=account_id, name=name, created_at=now) for name in missing
    )
    return groups | {group.name: group for group in new}
