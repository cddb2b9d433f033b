"""The types of events: what phones report, and what the server notes of an attempt itself. Pure."""

from __future__ import annotations

from enum import StrEnum


class EventType(StrEnum):
    """A report about an attempt, by its phone unless it says otherwise; and an SMS that came in."""

    RELEASED = "released"  # never started, and never will be
    STARTED = "started"  # in the phone's journal, then to the radio
    PART_SENT = "part_sent"
    PART_FAILED = "part_failed"
    PART_DELIVERED = "part_delivered"
    PART_UNDELIVERED = "part_undelivered"
    UNKNOWN = "unknown"  # started, and no answer of the radio
    LEASE_EXPIRED = "lease_expired"  # by the server: no word of the phone in time
    RECEIVED = "received"  # of no attempt


PART_EVENTS = frozenset(
    {
        EventType.PART_SENT,
        EventType.PART_FAILED,
        EventType.PART_DELIVERED,
        EventType.PART_UNDELIVERED,
    }
)
PROOFS_OF_SENDING = frozenset(
    {EventType.PART_SENT, EventType.PART_DELIVERED, EventType.PART_UNDELIVERED}
)

# What a phone may tell of an attempt.
REPORT_TYPES = frozenset(EventType) - {EventType.LEASE_EXPIRED, EventType.RECEIVED}


class Quarantine(StrEnum):
    """Why an event is kept aside and moves nothing."""

    MALFORMED = "malformed"  # a field that matters cannot be read
    INCOMPLETE = "incomplete"  # one is missing
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_ATTEMPT = "unknown_attempt"  # not one that this phone was handed
    DETAILS_ENDED = "details_ended"  # of a message that finished too long ago (messaging.details)
    REFUSED = "refused"  # by the database
