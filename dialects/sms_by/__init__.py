"""sms.by: its API for programs, v1 and as much of v2 as `sendSmsList` needs."""

from dialects.base import Dialect
from dialects.sms_by import words
from dialects.sms_by.reading import webhook_body
from dialects.sms_by.views import ROUTES
from http_api.body_limits import BULK_BODY
from http_api.error_codes import ErrorCode

DIALECT = Dialect(
    name=words.NAME,
    prefixes=("/api/v1/", "/api/v2/"),
    routes=ROUTES,
    states=words.STATES,
    error_body=words.error_body,
    sends=frozenset({"GET sendquicksms", "POST sendquicksms"}),
    status_by_code={
        ErrorCode.INVALID_KEY: 403,
        ErrorCode.DAILY_LIMIT_EXCEEDED: 400,
        ErrorCode.CONFLICT: 400,
        ErrorCode.UNKNOWN_METHOD: 404,
        ErrorCode.NOTHING_FOUND: 406,
    },
    field_names={"send_after": "time"},
    body_limits={"sendbulksms": BULK_BODY, "importcontacts": BULK_BODY},
    key_fields=("token",),
    webhook_body=webhook_body,
    settings=(words.CODES_BY_SMS,),
)
