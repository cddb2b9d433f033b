"""All that an account keeps of one person, by number: as JSON, and to be read."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from django.template.loader import render_to_string

from contacts import responses as contacts
from contacts.selectors import ContactFilter, found_contacts
from http_api import clock
from http_api.times import utc
from licenses.models import License
from messaging import responses
from messaging.models import InboundMessage, Message, OptOut, Thread
from messaging.written_numbers import WrittenNumber
from privacy.responses import PersonRead

ZIP = "application/zip"


def collect(account_id: int, phone: str) -> PersonRead:
    """Return what is kept under this number, in each of its spellings; of nobody empty lists."""
    number = WrittenNumber(phone)
    mine: dict[str, Any] = {"account_id": account_id}
    person = found_contacts(account_id, ContactFilter()).filter(phone__in=number.phones).first()
    licenses = License.objects.filter(account_id=account_id).values_list("pk", flat=True)
    sent = Message.objects.filter(license_id__in=list(licenses), phone__in=number.phones)
    received = InboundMessage.objects.filter(**mine, sender__in=number.senders)
    opt_outs = OptOut.objects.filter(**mine, phone__in=number.phones)
    threads = Thread.objects.filter(**mine, phone__in=number.senders).select_related("assignee")
    return {
        "phone": phone,
        "exported_at": utc(clock.now()),
        "contact": None if person is None else contacts.found_contact(person),
        "opt_outs": [responses.opt_out(row) for row in opt_outs.order_by("pk")],
        "threads": [responses.thread(row) for row in threads.order_by("pk")],
        "messages": [responses.message(row) for row in sent.order_by("created_at", "pk")],
        "received": [responses.inbound(row) for row in received.order_by("received_at", "pk")],
    }


def is_known(person: PersonRead) -> bool:
    kinds = ("contact", "opt_outs", "threads", "messages", "received")
    return any(person[kind] for kind in kinds)  # type: ignore[literal-required]


def as_zip(person: PersonRead, account: str) -> bytes:
    """Return a file with both: `person.json`, for programs, and `person.html`, in the language that is
    active."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("person.json", json.dumps(person, ensure_ascii=False, indent=2))
        page = render_to_string("privacy/person.html", {"person": person, "account": account})
        archive.writestr("person.html", page)
    return file.getvalue()
