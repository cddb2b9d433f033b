"""smSend (smsend.it) and the same platform under other names: Skebby, Aruba, Mobyt, Trendoo, …"""

from dialects.base import Dialect
from dialects.smsend import words
from dialects.smsend.routes import ROUTES
from http_api.body_limits import MIB
from http_api.error_codes import ErrorCode

DIALECT = Dialect(
    name=words.NAME,
    # The document's Java sample joins a base that ends with a slash to paths that begin with one.
    prefixes=("/API/v1.0/REST/", "/API/v1.0/REST//"),
    routes=ROUTES,
    states=words.STATES,
    error_body=words.error_body,
    sends=frozenset({"POST sms"}),
    status_by_code={
        ErrorCode.LICENSE_INACTIVE: 401,
        ErrorCode.SUBSCRIPTION_EXPIRED: 401,
        ErrorCode.DAILY_LIMIT_EXCEEDED: 400,
        ErrorCode.CONFLICT: 404,  # too late to cancel: "unknown or not SCHEDULED"
        ErrorCode.NOT_IMPLEMENTED: 501,
    },
    field_names={
        "phone": "recipient",
        "send_after": "scheduled_delivery_time",
        "send_before": "validity_period",
        "external_id": "order_id",
        "group_ids": "groupIds",
    },
    body_limit=MIB,  # 1,000 recipients with their values, or contacts
    raw_headers=("user_key", "session_key", "access_token"),
    key_headers=("session_key", "access_token", "session-key", "access-token"),
    key_fields=("username", "password"),
)
