"""Responses of the routes about persons. The types make the OpenAPI schema."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from contacts.responses import ContactRead
from http_api.answers import RowId, UtcTime
from http_api.times import utc, utc_or_none
from messaging.models import Erasure
from messaging.responses import InboundRead, MessageRead, OptOutRead, ThreadRead


class PersonRead(TypedDict):
    """All that an account keeps of one person."""

    phone: str
    exported_at: UtcTime
    contact: ContactRead | None
    opt_outs: list[OptOutRead]  # under each spelling of the number
    threads: list[ThreadRead]
    messages: list[MessageRead]  # the oldest first
    received: list[InboundRead]


class ErasureCounts(TypedDict, total=False):
    """Rows that were erased, by kind."""

    messages: int
    received: int
    threads: int
    contacts: int
    refused_rows: int  # of imports
    files: int  # that were to be imported
    exports: int  # files of messages
    events: int
    answers: int  # kept for repeated requests
    alert_links: int


class ErasureRead(TypedDict):
    id: RowId
    state: Literal["begun", "finished"]
    under_way: int  # messages that a phone has still: they are erased when their end is known
    counts: ErasureCounts
    asked_by: str
    asked_at: UtcTime
    finished_at: UtcTime | None


class ErasurePage(TypedDict):
    next: str | None
    results: list[ErasureRead]


def erasure(found: Erasure) -> ErasureRead:
    return {
        "id": found.pk,
        "state": "finished" if found.finished_at else "begun",
        "under_way": found.under_way,
        "counts": found.counts,
        "asked_by": found.asked_by,
        "asked_at": utc(found.asked_at),
        "finished_at": utc_or_none(found.finished_at),
    }
