"""The vendor's words: errors, states, points. A correction is an edit of one of these tables.

What is marked as a guess, nobody outside could find out.
"""

from __future__ import annotations

from typing import Any

from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from messaging.states import MessageState

NAME = "massej-li"

NOT_ACTIVE = "Account not active"  # docs/dialects.md
ERRORS = {
    ErrorCode.LICENSE_INACTIVE: NOT_ACTIVE,
    ErrorCode.SUBSCRIPTION_EXPIRED: NOT_ACTIVE,
}


def error_body(error: ApiError, status: int) -> dict[str, Any]:
    """Format an error: the vendor's document promises one structure and does not show it. (guess)"""
    message = ERRORS.get(error.code, error.message)
    return {"success": False, "error": message, "code": status}


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
SENDER = "SMS"  # default sender id, which is only echoed: messages go out from the SIM

# A point is one SMS part. There are no prices: what is left of the daily limit is the balance.
CURRENCY = "points"
PRICE = 1.0
PRICE_NOTE = "A point is one SMS part, to any country; what your operator asks for it is not known."
# The balance of an account without a daily limit.
UNLIMITED = 1_000_000

MAX_RECIPIENTS = 1000
PAGE, MAX_PAGE = 20, 100
