"""The vendor's words: errors, states, fixed answers. A correction is an edit of one of these tables.

What is marked as a guess, nobody outside could find out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dialects.base import Setting
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError, summary
from messaging.states import MessageState

NAME = "sms-by"

# What its clients know an error by; any other refusal says ours.
ERRORS: dict[str, str] = {
    ErrorCode.INVALID_KEY: "access denied",
    ErrorCode.LICENSE_INACTIVE: "billing error",
    ErrorCode.SUBSCRIPTION_EXPIRED: "billing error",
    ErrorCode.DAILY_LIMIT_EXCEEDED: "limit exceeded",
    ErrorCode.OPTED_OUT: "phone is in the stop list",  # guess
    ErrorCode.NOT_FOUND: "not found",
}
WRONG_PHONE = "incorrect phone number"
_MISSING = ["this field is required"]


def error_body(error: ApiError, status: int) -> dict[str, Any]:
    phone = error.errors.get("phone")
    if error.code is ErrorCode.INVALID and phone and phone != _MISSING:
        return {"error": WRONG_PHONE}
    body = {"error": ERRORS.get(error.code) or _message(error)}
    if error.code is ErrorCode.UNKNOWN_METHOD:  # clients of another vendor ask at the same path
        return {"success": False, **body, "code": status}
    return body


def _message(error: ApiError) -> str:
    mailings = error.errors.get("messages")
    if not isinstance(mailings, Mapping):
        return error.message
    return summary(error.errors | {"messages": {n: _without_type(m) for n, m in mailings.items()}})


def _without_type(problems: Any) -> Any:
    """Pydantic puts a mailing's type in the path to its fields; it is no field of theirs."""
    of_type = isinstance(problems, Mapping) and problems.keys() <= {"bulk", "personal"}
    return next(iter(problems.values())) if of_type else problems


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

CODES_BY_SMS = Setting(
    name="codes_by_sms",
    label="one-time codes for Telegram and WhatsApp go out as SMS",
    help="For programs that speak sms.by's API. Off: such a code is refused.",
    default=True,
)

MAX_OTP = 16
MAX_RECIPIENTS = 5000  # of one sendBulkSms
MAX_IMPORT = 500
ROWS, MAX_ROWS = 100, 1000  # guess
