"""The vendor's words: errors, states, fixed answers. A correction is an edit of one of these tables.

What is marked as a guess, nobody outside could find out.
"""

from __future__ import annotations

import re
from typing import Any

from dialects.base import Dialect, Refused
from messaging.states import MessageState

# What its clients know an error by; any other refusal says ours.
ERRORS = {
    "invalid_key": "access denied",
    "license_inactive": "billing error",
    "subscription_expired": "billing error",
    "daily_limit_exceeded": "limit exceeded",
    "opted_out": "phone is in the stop list",  # guess
    "not_found": "not found",
}
WRONG_PHONE = "incorrect phone number"
_MISSING = ["this field is required"]
_TYPE_OF_MAILING = re.compile(r"^(messages\.\d+)\.(?:bulk|personal)\.")  # no field of theirs


def _error(refused: Refused) -> dict[str, Any]:
    phone = refused.errors.get("phone")
    if refused.code == "invalid" and phone and phone != _MISSING:
        return {"error": WRONG_PHONE}
    message = _TYPE_OF_MAILING.sub(r"\1.", refused.message)
    error = {"error": ERRORS.get(refused.code, message)}
    if refused.code == "unknown_method":  # clients of another vendor ask at the same path
        return {"success": False, **error, "code": refused.status}
    return error


DIALECT = Dialect(
    name="sms-by",
    prefixes=("/api/v1/", "/api/v2/"),
    error_body=_error,
    status_by_code={
        "invalid_key": 403,
        "daily_limit_exceeded": 400,
        "conflict": 400,
        "unknown_method": 404,
        "nothing_found": 406,
    },
    fields={"send_after": "time"},
)

# What became of one recipient's message. `getSmsDeliveryList` says it in lower case.
STATES: dict[MessageState, str] = {
    MessageState.SCHEDULED: "NEW",
    MessageState.PENDING: "NEW",
    MessageState.LEASED: "NEW",
    MessageState.SENDING: "NEW",
    MessageState.UNCERTAIN: "NEW",
    MessageState.SENT: "SENT",
    MessageState.DELIVERED: "DELIVERED",
    MessageState.UNDELIVERED: "UNDELIVERED",
    MessageState.FAILED: "UNDELIVERED",
    MessageState.EXPIRED: "UNDELIVERED",
    MessageState.CANCELLED: "UNDELIVERED",
}
MODERATED = "moderated"  # a text may be sent: nobody reads it first

# There are no prices and no sender's names: messages go out from the SIM.
CURRENCY = "SMS"
COST = "0.00000"
SIM = "SMS from your own SIM"
SYSTEM = "system"  # the name that the vendor's own messages have
# The balance of an account without a daily limit.
UNLIMITED = 1_000_000

CHANNEL = "sms"  # what a one-time code for Telegram or WhatsApp goes out by, and the answer says so
NO_MESSENGER = "{} is not available; this account sends through a phone"
NO_VIBER = "forwarding to Viber is not available: this account sends SMS through a phone"

MAX_OTP = 16
MAX_RECIPIENTS = 5000  # of one sendBulkSms
MAX_IMPORT = 500
ROWS, MAX_ROWS = 100, 1000  # guess
