"""The vendor's words: errors, states, points. A correction is an edit of one of these tables.

What is marked as a guess, nobody outside could find out.
"""

from __future__ import annotations

from typing import Any

from dialects.base import Dialect, Refused
from messaging.states import MessageState

NOT_ACTIVE = "Account not active"  # document 003
ERRORS = {"license_inactive": NOT_ACTIVE, "subscription_expired": NOT_ACTIVE}


def _error(refused: Refused) -> dict[str, Any]:
    """The document promises one structure and does not show it. (guess)"""
    error = ERRORS.get(refused.code, refused.message)
    return {"success": False, "error": error, "code": refused.status}


DIALECT = Dialect(
    name="massej-li",
    prefixes=("/api/v1/",),
    error_body=_error,
    status_by_code={"license_not_found": 401},
    fields={"phone": "to", "send_after": "schedule_time"},
)

REQUESTS_PER_MINUTE = 100  # a key

STATES: dict[MessageState, str] = {
    MessageState.SCHEDULED: "pending",
    MessageState.PENDING: "pending",
    MessageState.LEASED: "pending",
    MessageState.SENDING: "pending",
    MessageState.UNCERTAIN: "pending",
    MessageState.SENT: "sent",
    MessageState.DELIVERED: "delivered",
    MessageState.UNDELIVERED: "failed",
    MessageState.FAILED: "failed",
    MessageState.EXPIRED: "failed",
    MessageState.CANCELLED: "failed",
}
ACTIVE = "active"  # an account that is not is refused

SENT = "SMS sent successfully"
SENT_BULK = "Bulk SMS sent successfully"  # guess
SENDER = "SMS"  # whoever a client says: messages go out from the SIM

# A point is one SMS part. There are no prices: what is left of the daily limit is the balance.
CURRENCY = "points"
PRICE = 1.0
PRICE_NOTE = "A point is one SMS part, to any country; what your operator asks for it is not known."
# The balance of an account without a daily limit.
UNLIMITED = 1_000_000

MAX_RECIPIENTS = 1000
PAGE, MAX_PAGE = 20, 100
