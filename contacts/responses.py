"""Responses of the contact, group and template routes. The types make the OpenAPI schema."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from contacts import imports
from contacts.models import Contact, ContactGroup, Import, ImportProblem, Template
from contacts.people import Reason
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
from messaging.drafts import segmented
from messaging.models import Encoding
from messaging.personalization import variables
from messaging.rules import SkipReason

ImportState = Literal[
    "ready", "checking", "checked", "running", "done", "stopped", "failed", "undone"
]


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


class ConsentRead(TypedDict):
    note: str  # by what
    by: str  # who said so
    at: UtcTime


class ContactRead(TypedDict):
    id: RowId
    name: str
    phone: str
    groups: list[GroupOfContact]
    fields: dict[str, str]
    consent: ConsentRead | None
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


class ReadingRead(TypedDict):
    encoding: str  # of a text; '' of a workbook
    delimiter: str  # '': the text has one column
    sheet: str
    sheets: list[str]
    has_header: bool


class ImportCounts(TypedDict, total=False):
    """Rows by what came of them; of a check, what would. What is absent is 0."""

    new: int
    known: int  # of a check
    changed: int
    unchanged: int
    opted_out: int  # of a check: saved, and sent nothing
    missing: int  # the row has no number
    rounded: int  # a spreadsheet cut its number short
    invalid: int
    too_long: int
    too_many_fields: int
    double: int  # an earlier row has the same number
    several: int  # of a check: the row has several numbers, the first is taken
    foreign: int  # of a check: another country's number
    landline: int  # of a check
    unknown_range: int  # of a check: of a number's length, in no range that is known
    undone: int


class ImportRead(TypedDict):
    id: RowId
    kind: Literal["contacts", "opt_outs"]
    file_name: str  # '': it came as text
    state: ImportState
    rows: int  # without the header
    done_rows: int
    counts: ImportCounts
    reading: ReadingRead
    columns: list[str]
    group_name: str | None
    known: Literal["keep", "overwrite", "skip"]
    made_by: str
    created_at: UtcTime
    ended_at: UtcTime | None
    error: str | None  # why it failed
    earlier_id: RowId | None  # the last import of the same file
    may_be_undone: bool


class ImportPage(TypedDict):
    next: str | None
    results: list[ImportRead]


class ImportProblemRead(TypedDict):
    row: int  # as a spreadsheet numbers it
    reason: Reason
    message: str
    same_as_row: int | None  # of a double
    cells: list[str]


class ImportProblemPage(TypedDict):
    next: str | None
    results: list[ImportProblemRead]


class ImportUndone(TypedDict):
    deleted_count: int


class ContactsDeleted(TypedDict):
    deleted_count: int


class TemplateRead(TypedDict):
    id: RowId
    name: str
    text: str
    variables: list[str]  # which a recipient must have
    created_at: UtcTime
    changed_at: UtcTime
    changed_by: str


class TemplatePage(TypedDict):
    next: str | None
    results: list[TemplateRead]


class RenderedText(TypedDict):
    text: str  # to be sent
    encoding: Encoding
    parts: int


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
        "fields": contact.fields,
        "consent": consent(contact),
        "opted_out": contact.opt_out_id is not None,
        "created_at": utc(contact.created_at),
    }


def consent(contact: Contact) -> ConsentRead | None:
    if contact.consent_at is None:
        return None
    return {
        "note": contact.consent_note,
        "by": contact.consent_by,
        "at": utc(contact.consent_at),
    }


def group(group: ContactGroup, sender: Sender) -> GroupAnswer:
    return {"id": group.pk, "name": group.name, "created_by": sender.user_id}


def found_group(found: ContactGroup, sender: Sender) -> GroupRead:
    return {**group(found, sender), "created_at": utc(found.created_at)}


def found_import(found: Import) -> ImportRead:
    before = imports.earlier(found)
    return {
        "id": found.pk,
        "kind": found.kind,  # type: ignore[typeddict-item]  # choices of the model
        "file_name": found.name,
        "state": found.state,  # type: ignore[typeddict-item]
        "rows": found.rows,
        "done_rows": found.next_row,
        "counts": found.counts,
        "reading": {
            "encoding": found.encoding,
            "delimiter": found.delimiter,
            "sheet": found.sheet,
            "sheets": found.sheets,
            "has_header": found.has_header,
        },
        "columns": found.columns,
        "group_name": found.group or None,
        "known": found.known,  # type: ignore[typeddict-item]
        "made_by": found.made_by,
        "created_at": utc(found.made_at),
        "ended_at": utc(found.ended_at) if found.ended_at else None,
        "error": found.error or None,
        "earlier_id": before.pk if before else None,
        "may_be_undone": imports.may_be_undone(found),
    }


def import_problem(problem: ImportProblem) -> ImportProblemRead:
    return {
        "row": problem.row,
        "reason": Reason(problem.reason),
        "message": problem.words,
        "same_as_row": problem.other_row,
        "cells": problem.cells,
    }


def template(found: Template) -> TemplateRead:
    return {
        "id": found.pk,
        "name": found.name,
        "text": found.text,
        "variables": variables(found.text),
        "created_at": utc(found.created_at),
        "changed_at": utc(found.changed_at),
        "changed_by": found.changed_by,
    }


def rendered(text: str) -> RenderedText:
    """Raise ApiError where it is longer than a message may be."""
    segmentation = segmented(text)
    return {
        "text": text,
        "encoding": Encoding(segmentation.encoding),
        "parts": segmentation.parts,
    }


def groups(results: list[GroupResult]) -> GroupsAnswer:
    return {
        "groups": [
            {"name": result.name, "id": result.id, "status": result.status} for result in results
        ]
    }
