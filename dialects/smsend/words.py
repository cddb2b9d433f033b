"""The vendor's words: errors, fields, states, credits. A correction is an edit of one of these tables.

What is marked as a guess, nobody outside could find out.
"""

from __future__ import annotations

import datetime as dt
import re

from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from messaging.drafts import DEFAULT_PRIORITY
from messaging.states import MessageState

NAME = "smsend"

# A refusal's `result`, where it is not our own code in capitals. (guess)
RESULTS = {ErrorCode.DAILY_LIMIT_EXCEEDED: "KO"}


def error_body(error: ApiError, status: int) -> dict[str, str]:
    """Format an error; clients look for the reason under each of these names. (guess)"""
    result = RESULTS.get(error.code, error.code.upper())
    return {
        "result": result,
        "code": result,
        "message": error.message,
        "error_message": error.message,
    }


# --- logging in ------------------------------------------------------------------------------------

SESSION_IDLE = dt.timedelta(minutes=5)  # a session that nobody uses ends
SESSION_SLACK = dt.timedelta(
    minutes=1
)  # it lives so much longer, and is prolonged once in this time

# --- an order --------------------------------------------------------------------------------------

QUALITY = "GP"  # default quality, when the client sends none
MAX_CHARACTERS = 1000
MAX_RECIPIENTS = 1000
MAX_OF_GROUPS = 10_000
FRAGMENTS = 7  # to which `truncate` cuts where `max_fragments` does not say

ORDER_ID = re.compile(r"[A-Za-z0-9._-]{1,32}")
RESERVED_ORDER_IDS = frozenset({"bulk"})  # `DELETE sms/bulk` cancels all that is scheduled

# Replaced by the vendor's own web servers. A SIM would send them as they stand.
LINKS = re.compile(r"%(SHORT_LINK|PAGESLINK_*|RICHURL_*)%")
NO_LINKS = "holds the place of a link, and there are no landing pages and short links here"
PLACEHOLDER = re.compile(r"\$\{([^{}]+)\}")

NOT_CALLED = "delivery_notification_url is not called: read the states at sms/{order_id}"

# What became of one recipient's message.
STATES: dict[MessageState, str] = {
    MessageState.SCHEDULED: "SCHEDULED",
    MessageState.PENDING: "WAITING",
    MessageState.LEASED: "WAITING",
    MessageState.SENDING: "WAITING",
    MessageState.UNCERTAIN: "WAITING",
    MessageState.SENT: "SENT",
    MessageState.DELIVERED: "DLVRD",
    MessageState.UNDELIVERED: "ERROR",
    MessageState.FAILED: "ERROR",
    MessageState.EXPIRED: "TIMEOUT",
    MessageState.CANCELLED: "KO",  # by its owner (guess)
}
OPTED_OUT = "BLACKLISTED"
RECEIPT_DUE = "WAIT4DLVR"  # sent, and the network may still say that it arrived
RECEIPT_DUE_FOR = dt.timedelta(hours=72)

# The same in `rcptHistory`: 2 waiting, 4 arrived, 9 error, 10 expired.
STATE_NUMBERS: dict[str, int] = {
    "SCHEDULED": 2,
    "WAITING": 2,
    "WAIT4DLVR": 2,
    "SENT": 2,  # (guess) nobody has said that it arrived
    "DLVRD": 4,
    "ERROR": 9,
    "KO": 9,
    "BLACKLISTED": 9,
    "TIMEOUT": 10,
}

# --- credits ---------------------------------------------------------------------------------------

# One credit is one message of today's allowance, whatever the quality: clients pick different rows.
CREDITS = ("GP", "TI", "SI", "EE", "AD")  # one client reads them by their place
CREDITS_BY_ALIAS = ("N", "L", "LL", "EE", "AD")
UNLIMITED = 999_999  # the number that an account without a daily limit is told

# --- lists -----------------------------------------------------------------------------------------

PAGE, PAGE_OF_GROUPS, MAX_PAGE = 10, 5, 1000
MAX_INBOUND = 100

# Where an opt-out came from.
ORIGINS = {"api": "API", "admin": "WEB", "sms": "STOPSMS"}

# --- one-time PINs ---------------------------------------------------------------------------------

PIN_DIGITS = 6
PIN_TRIES = 3  # (guess)
PIN_MINUTES, MAX_PIN_MINUTES = 60, 24 * 60
PIN_TEXT = "Your PIN is %PIN%"
PIN_PRIORITY = DEFAULT_PRIORITY + 10  # someone is waiting for it: before all mailings

# --- what this service does not do -----------------------------------------------------------------

# The answer is 501 with these words.
NOT_HERE = {
    "alias": "a SIM sends from its own number: there are no sender names",
    "landings": "there are no landing pages",
    "list": "there are no email campaigns",
    "smsrich": "there are no landing pages",
    "subaccount": "accounts are made by the operator of this service",
    "subaccounts": "accounts are made by the operator of this service",
    "mosmshistory": "received messages are read at srsmshistory",
}
