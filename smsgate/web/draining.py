"""A process that drains still answers everything, and lets everybody know that it will end.

A balancer sees 503 at `/readyz/`; whoever keeps a connection reads `Connection: close` on the answer and
comes again by a new one, which leads to another process.
"""

from __future__ import annotations

_has_begun = False


def begin() -> None:
    """From now on, until this process ends."""
    global _has_begun
    _has_begun = True


def has_begun() -> bool:
    return _has_begun
