"""Facts about a request by its path alone, before Django looks at it."""

from __future__ import annotations

from dialects import registry
from http_api.body_limits import BULK_BODY, FILE_BODY, HOOK_BODY, OTHER_BODY, SYNC_BODY

_NATIVE = {
    "/api/messages/bulk": BULK_BODY,
    "/api/contacts/contacts/bulk": BULK_BODY,
    "/api/contacts/groups/bulk": BULK_BODY,
    "/api/contacts/imports": FILE_BODY,
    "/console/contacts/imports": FILE_BODY,
    "/companion/sync": SYNC_BODY,
}


def body_limit(path: str) -> int:
    """Return the largest body in bytes that this path takes; more is answered with 413."""
    if path.startswith("/hooks/"):
        return HOOK_BODY
    return _NATIVE.get(path.rstrip("/")) or registry.body_limit(path) or OTHER_BODY


def is_send(method: str, path: str) -> bool:
    """Say whether this is a send that has one recipient, or few."""
    if path.startswith("/hooks/"):
        return method in {"GET", "POST"}
    return (method == "POST" and path.rstrip("/") == "/api/messages") or registry.is_send(
        method, path
    )
