"""Where each dialect is mounted. A path that two share and neither knows is the first one's."""

from __future__ import annotations

from dialects import android_sms_gateway, hooks, massej_li, sms_by, smsend
from dialects.base import mounted

_MOUNTED = (
    (android_sms_gateway.DIALECT, android_sms_gateway.ROUTES),
    (smsend.DIALECT, smsend.ROUTES),
    # Both at /api/v1/: an unknown path there is refused in words that clients of either can read.
    (massej_li.DIALECT, massej_li.ROUTES),
    (sms_by.DIALECT, sms_by.ROUTES),
)

DIALECTS = tuple(dialect for dialect, _ in _MOUNTED)

urlpatterns = [
    *hooks.urlpatterns,
    *(pattern for dialect, routes in _MOUNTED for pattern in mounted(dialect, routes)),
]
