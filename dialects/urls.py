"""Every route of a dialect, and hook links."""

from __future__ import annotations

from dialects import hooks
from dialects.registry import DIALECTS

urlpatterns = [
    *hooks.urlpatterns,
    *(pattern for dialect in DIALECTS for pattern in dialect.urlpatterns()),
]
