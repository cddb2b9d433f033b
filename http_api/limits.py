"""How large a request body may be, by path. Asked before a byte of the body is read."""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB

BULK_BODY = 8 * MIB  # 1,000 ten-part texts in \\u escapes are 4.4 MB
SYNC_BODY = 256 * KIB
SMSEND_BODY = MIB  # 1,000 recipients with their values, or contacts
OTHER_BODY = 64 * KIB

_BULK = ("/bulk", "/sendbulksms", "/importcontacts", "/send-bulk")
_SMSEND = ("/API/v1.0/REST/", "/dialects/smsend/")


def body_limit(path: str) -> int:
    """The largest body in bytes that this path takes; more is answered with 413."""
    path = path.rstrip("/")
    if path.startswith(("/api/", "/dialects/")) and path.lower().endswith(_BULK):
        return BULK_BODY
    if path == "/companion/sync":
        return SYNC_BODY
    if path.startswith(_SMSEND):
        return SMSEND_BODY
    return OTHER_BODY
