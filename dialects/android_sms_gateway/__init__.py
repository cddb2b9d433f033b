"""SMS Gateway for Android (sms-gate.app): its API for programs, as its published clients call it."""

from dialects.android_sms_gateway import words
from dialects.android_sms_gateway.views import ROUTES
from dialects.base import Dialect
from http_api.error_codes import ErrorCode

DIALECT = Dialect(
    name=words.NAME,
    prefixes=(words.PRIVATE_PATH, words.PATH),
    routes=ROUTES,
    states=words.STATES,
    error_body=words.error_body,
    sends=frozenset({"POST message", "POST messages"}),
    status_by_code={
        ErrorCode.INVALID_KEY: 401,
        ErrorCode.DUPLICATE_EXTERNAL_ID: 409,
        ErrorCode.SCOPE_REQUIRED: 403,
        ErrorCode.NOT_IMPLEMENTED: 501,
    },
    field_names={
        "phone": "phoneNumbers",
        "message": "textMessage.text",
        "send_after": "scheduleAt",
        "send_before": "validUntil",
    },
)
