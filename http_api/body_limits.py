"""How large a request body may be (smsgate.paths: of which path), and how much of all bodies is
held at once.

All that a stranger can make the service hold is listed in docs/security.md, "Limits".
"""

from __future__ import annotations

from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from protocol import constant

KIB = 1024
MIB = 1024 * KIB

BULK_BODY = 8 * MIB  # 1,000 ten-part texts in \\u escapes are 4.4 MB
SYNC_BODY = constant("max_request_bytes")
HOOK_BODY = MIB  # an alert that lists some hundred alerts
FILE_BODY = 10 * MIB + 64 * KIB  # a file of contacts, with what a form has beside it
OTHER_BODY = 64 * KIB

# Memory budgets over all requests: for bodies of at most OTHER_BODY, and for larger ones.
SMALL_BODIES = 32 * MIB
LARGE_BODIES = 32 * MIB

# Values of a JSON body: a full bulk has 8,000, the largest with contacts of 30 fields 15,000.
MAX_JSON_VALUES = 100_000


def too_large(limit: int) -> ApiError:
    """Return the error for a body of more than `limit` bytes."""
    size = limit // KIB
    return ApiError(
        ErrorCode.TOO_LARGE, f"The body is larger than the {size} KiB this address takes."
    )
