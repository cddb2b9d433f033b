"""massej.li: its REST API v1."""

from dialects.base import Dialect
from dialects.massej_li import words
from dialects.massej_li.views import ROUTES
from http_api.body_limits import BULK_BODY
from http_api.error_codes import ErrorCode

DIALECT = Dialect(
    name=words.NAME,
    prefixes=("/api/v1/",),
    routes=ROUTES,
    states=words.STATES,
    error_body=words.error_body,
    sends=frozenset({"POST send"}),
    status_by_code={ErrorCode.LICENSE_NOT_FOUND: 401},
    field_names={"phone": "to", "send_after": "schedule_time"},
    body_limits={"send-bulk": BULK_BODY},
    requests_per_minute=100,
)
