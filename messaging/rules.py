"""The rules that stand between a draft and the queue: each with its reason, its test and its SQL.

`messaging.services.accept` asks them in this order, which is the documented one. A rule that has no SQL
is asked in Python only: accept then does without its one-statement insert.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from http_api.error_codes import ErrorCode
from messaging.drafts import Draft


class SkipReason(StrEnum):
    """Why an item was not queued: stable, for programs; for people its field and a sentence. Where it
    refuses a whole request, `code` is that refusal's."""

    code: ErrorCode
    field: str
    sentence: str

    def __new__(cls, code: ErrorCode, field: str, sentence: str) -> SkipReason:
        reason = str.__new__(cls, code.value)
        reason._value_ = code.value
        reason.code = code
        reason.field = field
        reason.sentence = sentence
        return reason

    INVALID = ErrorCode.INVALID, "", "it is not well formed"  # its errors say more
    DUPLICATE_EXTERNAL_ID = (
        ErrorCode.DUPLICATE_EXTERNAL_ID,
        "external_id",
        "a message with this external_id already exists",
    )
    DUPLICATE_MESSAGE = (
        ErrorCode.DUPLICATE_MESSAGE,
        "message",
        "the same message to this number is already queued",
    )
    OPTED_OUT = ErrorCode.OPTED_OUT, "phone", "the recipient has opted out"
    OUTSIDE_SENDING_HOURS = (
        ErrorCode.OUTSIDE_SENDING_HOURS,
        "send_after",
        "it is outside the sending hours; give a send_after",
    )
    FOREIGN_NUMBER = ErrorCode.FOREIGN_NUMBER, "phone", "the number is another country's"


@dataclass(slots=True)
class Facts:
    """Facts of the database and the clock about a list of drafts, fetched once."""

    external_ids: set[str]  # of messages that exist
    digests: set[UUID]  # likewise
    opted_out: set[str]  # phones
    is_closed: bool  # now is outside the sending hours

    def add(self, draft: Draft) -> None:
        """Of two duplicates in one list the first wins."""
        if draft.external_id is not None:
            self.external_ids.add(draft.external_id)
        if draft.repeat_digest is not None:
            self.digests.add(draft.repeat_digest)


@dataclass(frozen=True, slots=True)
class Rule:
    """`stops` tells whether a draft breaks it. In SQL either a condition of every insert
    (messaging/inserts.sql) keeps to it, or the unique `index` of this name."""

    reason: SkipReason
    stops: Callable[[Draft, Facts], bool]
    is_in_insert: bool = False
    index: str = ""

    @property
    def has_sql(self) -> bool:
        return self.is_in_insert or bool(self.index)


RULES = (
    Rule(
        SkipReason.DUPLICATE_EXTERNAL_ID,
        lambda draft, facts: draft.external_id in facts.external_ids,
        index="message_external_id",
    ),
    Rule(
        SkipReason.DUPLICATE_MESSAGE,
        lambda draft, facts: draft.repeat_digest in facts.digests,
        index="message_repeat_digest",
    ),
    Rule(
        SkipReason.OPTED_OUT,
        lambda draft, facts: draft.phone in facts.opted_out,
        is_in_insert=True,
    ),
)

# Only for callers whose messages do not wait for the next opening.
OUTSIDE_SENDING_HOURS = Rule(
    SkipReason.OUTSIDE_SENDING_HOURS,
    lambda draft, facts: facts.is_closed and draft.send_after is None,
)

INDEXES = frozenset(rule.index for rule in RULES if rule.index)
