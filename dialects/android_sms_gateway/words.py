"""The vendor's words: errors, fields, states, scopes. A correction is an edit of one of these tables."""

from __future__ import annotations

import datetime as dt

from http_api.errors import ApiError
from messaging.drafts import DEFAULT_PRIORITY
from messaging.states import MessageState

NAME = "android-sms-gateway"
# The path of the vendor's private server, then that of its cloud.
PRIVATE_PATH, PATH = "/api/3rdparty/v1/", "/3rdparty/v1/"


def error_body(error: ApiError, status: int) -> dict[str, str]:
    return {"message": error.message}


# What became of one recipient's message.
STATES: dict[MessageState, str] = {
    MessageState.SCHEDULED: "Pending",
    MessageState.PENDING: "Pending",
    MessageState.LEASED: "Processed",
    MessageState.SENDING: "Processed",
    MessageState.UNCERTAIN: "Processed",
    MessageState.SENT: "Sent",
    MessageState.DELIVERED: "Delivered",
    MessageState.UNDELIVERED: "Failed",
    MessageState.FAILED: "Failed",
    MessageState.EXPIRED: "Failed",
    MessageState.CANCELLED: "Cancelled",
}
OPTED_OUT = "Failed"  # cancelled since the recipient wants no messages
CANCELLING = "Cancelling"  # a phone holds it and is asked to give it back

# Of several recipients: the first of these that any of them is in; else what all of them are in;
# else Sent, since some were delivered and some not.
ANY_OF = ("Pending", "Cancelling", "Cancelled", "Processed")
ALL_OF = ("Failed", "Delivered")
MIXED = "Sent"

ERRORS: dict[MessageState, str] = {
    MessageState.UNCERTAIN: "it is not known whether this was sent; its owner decides",
    MessageState.UNDELIVERED: "it was sent, and the network could not deliver it",
    MessageState.FAILED: "the phone could not send it",
    MessageState.EXPIRED: "it was not sent before validUntil",
}
OPTED_OUT_ERROR = "the recipient has opted out"

# Theirs is 0 where ours is 10: what is usual stays usual beside the native API's messages.
PRIORITY_ZERO = DEFAULT_PRIORITY

PAGE, PRIVATE_PAGE, MAX_PAGE = 50, 20, 100

EVERYTHING = "all:any"
SCOPES = frozenset(
    {
        EVERYTHING,
        "devices:delete", "devices:list", "inbox:list", "inbox:refresh", "logs:read",
        "messages:cancel", "messages:export", "messages:list", "messages:read", "messages:send",
        "settings:read", "settings:write", "tokens:manage", "tokens:refresh",
        "webhooks:delete", "webhooks:list", "webhooks:write",
    }
)  # fmt: skip
ACCESS_LIFETIME = dt.timedelta(hours=24)
REFRESH_LIFETIME = dt.timedelta(days=30)
MAX_LIFETIME = dt.timedelta(days=365)

# What this service does not do; the answer is 501 with these words.
NOT_HERE = {
    "webhooks": "webhooks are not registered by this API",
    "settings": "a phone's settings are made on the phone",
    "inbox": "received messages are read at /api/inbox/",
    "logs": "a message's history is read at /api/messages/ID/",
}
