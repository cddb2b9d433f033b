"""The codes of the API's refusals: stable, for programs. docs/api.md lists them for people."""

from __future__ import annotations

from enum import StrEnum


class ErrorCode(StrEnum):
    """`status` is the native API's; views that answer otherwise override it in `status_by_code`."""

    status: int
    meaning: str

    def __new__(cls, value: str, status: int, meaning: str) -> ErrorCode:
        code = str.__new__(cls, value)
        code._value_ = value
        code.status = status
        code.meaning = meaning
        return code

    MALFORMED = "malformed", 400, "The request cannot be read: no HTTP, no JSON, no form."
    INVALID = "invalid", 400, "A field is wrong or missing; `errors` says which and why."
    BATCH_REJECTED = (
        "batch_rejected",
        400,
        "With `all_or_nothing` an item is wrong; none was accepted.",
    )
    DUPLICATE_EXTERNAL_ID = (
        "duplicate_external_id",
        400,
        "A message with this `external_id` was accepted before.",
    )
    DUPLICATE_MESSAGE = (
        "duplicate_message",
        400,
        "The same message to this contact is queued already.",
    )
    OPTED_OUT = "opted_out", 400, "The recipient has opted out."
    OUTSIDE_SENDING_HOURS = (
        "outside_sending_hours",
        400,
        "It is outside the account's sending hours.",
    )
    FOREIGN_NUMBER = "foreign_number", 400, "The number is another country's."
    PAIRING_CODE_INVALID = "pairing_code_invalid", 400, "The code is wrong, used or too old."
    INVALID_KEY = "invalid_key", 401, "A key or token is wrong or switched off."
    DEVICE_UNKNOWN = "device_unknown", 401, "This phone is not paired any more."
    LICENSE_INACTIVE = "license_inactive", 403, "The licence or its account is switched off."
    SUBSCRIPTION_EXPIRED = "subscription_expired", 403, "The account's subscription is over."
    DAILY_LIMIT_EXCEEDED = (
        "daily_limit_exceeded",
        403,
        "The account's messages of the day are used up.",
    )
    SCOPE_MISSING = "scope_missing", 403, "The key may not do this."
    FORBIDDEN = "forbidden", 403, "The form came from elsewhere, or has been open for too long."
    LICENSE_NOT_FOUND = "license_not_found", 404, "There is no licence with this key."
    NOT_FOUND = "not_found", 404, "There is nothing of yours with this id, or no such address."
    METHOD_NOT_ALLOWED = "method_not_allowed", 405, "The address does not take this method."
    TIMEOUT = "timeout", 408, "The request did not arrive in time."
    CONFLICT = "conflict", 409, "The state it is in does not allow this."
    REQUEST_IN_PROGRESS = (
        "request_in_progress",
        409,
        "The first request with this `Idempotency-Key` still runs.",
    )
    EVENTS_DELETED = (
        "events_deleted",
        410,
        "Events since `after` were deleted before they were read.",
    )
    TOO_LARGE = "too_large", 413, "The body is larger than this address takes."
    IDEMPOTENCY_KEY_REUSED = (
        "idempotency_key_reused",
        422,
        "This `Idempotency-Key` came with another request before.",
    )
    TOO_MANY_REQUESTS = "too_many_requests", 429, "Too often; wait for `Retry-After`."
    HEADERS_TOO_LARGE = (
        "headers_too_large",
        431,
        "The head, or the frames of chunks, are too large.",
    )
    SERVER_ERROR = "server_error", 500, "A fault of the server; `incident` is in its log."
    UNAVAILABLE = "unavailable", 503, "Repeat the request after `Retry-After`."
    # Only below other vendors' paths, in their own words.
    SCOPE_REQUIRED = "scope_required", 403, "The vendor's token lacks a scope."
    NOTHING_FOUND = "nothing_found", 404, "The vendor's list is empty."
    UNKNOWN_METHOD = "unknown_method", 404, "The vendor has no such call."
    NOT_IMPLEMENTED = "not_implemented", 501, "The vendor has this call; a phone cannot do it."
