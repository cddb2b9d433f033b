"""All that an account has of one person, by their number: counted, handed over as a file, erased."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from django.db import transaction
from django.db.models import QuerySet

from contacts import address_book, responses, selectors
from contacts.models import Contact
from http_api import spreadsheets
from messaging import responses as messaging
from messaging.services import persons

MOST = 50_000  # messages of each way in a file, the newest
_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Kept:
    """How much there is of somebody: up to `_COUNTED` of each."""

    phone: str
    contact: Contact | None
    messages: int
    under_way: int  # of these: not ended yet
    received: int
    has_thread: bool
    is_opted_out: bool

    @property
    def is_nothing(self) -> bool:
        return not (self.contact or self.messages or self.received or self.has_thread)


def kept(account_id: int, phone: str) -> Kept:
    messages = persons.messages_to(account_id, phone)
    return Kept(
        phone,
        _contact(account_id, phone),
        _count(messages),
        _count(messages.filter(finished_at=None)),
        _count(persons.received_from(account_id, phone)),
        persons.threads_with(account_id, phone).exists(),
        persons.opt_outs_of(account_id, phone).exists(),
    )


def _contact(account_id: int, phone: str) -> Contact | None:
    return selectors.contacts(account_id).filter(phone=phone).first()


def _count(rows: QuerySet[Any]) -> int:
    return rows.order_by()[:_COUNTED].count()


def erase(account_id: int, phone: str) -> Kept:
    """Delete the contact, and all else as messaging.services.persons.erase. Return what is left."""
    with transaction.atomic():
        if (contact := _contact(account_id, phone)) is not None:
            address_book.delete_contacts(account_id, [contact.pk])
        persons.erase(account_id, phone)
    return kept(account_id, phone)


def as_zip(account_id: int, phone: str) -> bytes:
    """Return it as an archive: person.json for programs, with the API's names, and as tables for people
    what was said."""
    sent = _newest(persons.messages_to(account_id, phone))
    received = _newest(persons.received_from(account_id, phone))
    contact = _contact(account_id, phone)
    found = selectors.found_contact(account_id, contact.pk) if contact else None
    person = {
        "phone": phone,
        "contact": responses.found_contact(found) if found else None,
        "opt_outs": [messaging.opt_out(row) for row in persons.opt_outs_of(account_id, phone)],
        "messages": [messaging.message(row) for row in sent],
        "received": [messaging.inbound(row) for row in received],
    }
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        archive.writestr("person.json", json.dumps(person, ensure_ascii=False, indent=2))
        archive.writestr(
            "messages.csv", _table(person["messages"], ("created_at", "status", "message"))
        )
        archive.writestr("received.csv", _table(person["received"], ("received_at", "text")))
    return out.getvalue()


def _newest(rows: QuerySet[Any]) -> list[Any]:
    return list(rows.order_by("-pk")[:MOST])


def _table(rows: Any, columns: Sequence[str]) -> str:
    cells = ([spreadsheets.as_text(row[name]) for name in columns] for row in rows)
    return spreadsheets.BOM + spreadsheets.lines([columns, *cells])
