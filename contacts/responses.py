"""Responses of the contact and group routes. The types make the OpenAPI schema."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict

from contacts.models import ContactGroup
from contacts.services import (
    ContactDraft,
    GroupResult,
    GroupStatus,
    SavedContact,
    SavedContacts,
    SkippedContact,
)
from http_api.answers import RowId, UtcTime
from http_api.times import utc
from licenses.sender import Sender
from messaging.rules import SkipReason


class ContactAnswer(TypedDict):
    id: RowId
    name: str
    phone: str
    group_name: str | None  # the one of this request; a contact can be in several
    created: bool
    message_skipped: NotRequired[SkipReason]  # why the SMS that was asked for was not queued


class ContactsAnswer(TypedDict):
    created_count: int
    updated_count: int
    skipped_count: int
    skipped: list[SkippedContact]
    messages_created_count: int


class GroupAnswer(TypedDict):
    id: RowId
    name: str
    created_by: RowId


class GroupOfContact(TypedDict):
    id: RowId
    name: str


class ContactRead(TypedDict):
    id: RowId
    name: str
    phone: str
    groups: list[GroupOfContact]
    opted_out: bool  # wants no messages
    created_at: UtcTime


class ContactPage(TypedDict):
    next: str | None
    results: list[ContactRead]


class GroupRead(GroupAnswer):
    created_at: UtcTime


class GroupPage(TypedDict):
    next: str | None
    results: list[GroupRead]


class GroupInBulk(TypedDict):
    name: str
    id: RowId
    status: GroupStatus


class GroupsAnswer(TypedDict):
    groups: list[GroupInBulk]


def contact(saved: SavedContact, draft: ContactDraft) -> ContactAnswer:
    answer: ContactAnswer = {
        "id": saved.id,
        "name": draft.name,
        "phone": draft.phone,
        "group_name": draft.group_name,
        "created": saved.is_new,
    }
    if saved.message_skipped is not None:
        answer["message_skipped"] = saved.message_skipped
    return answer


def contacts(saved: SavedContacts) -> ContactsAnswer:
    return {
        "created_count": saved.created_count,
        "updated_count": saved.updated_count,
        "skipped_count": len(saved.skipped),
        "skipped": saved.skipped,
        "messages_created_count": saved.messages_created_count,
    }


def found_contact(contact: Any) -> ContactRead:
    """Return a contact of `selectors.found_contacts`."""
    return {
        "id": contact.pk,
        "name": contact.name,
        "phone": contact.phone,
        "groups": [{"id": group.pk, "name": group.name} for group in contact.groups.all()],
        "opted_out": contact.opt_out_id is not None,
        "created_at": utc(contact.created_at),
    }


def group(group: ContactGroup, sender: Sender) -> GroupAnswer:
    return {"id": group.pk, "name": group.name, "created_by": sender.user_id}


def found_group(found: ContactGroup, sender: Sender) -> GroupRead:
    return {**group(found, sender), "created_at": utc(found.created_at)}


def groups(results: list[GroupResult]) -> GroupsAnswer:
    return {
        "groups": [
            {"name": result.name, "id": result.id, "status": result.status} for result in results
        ]
    }
