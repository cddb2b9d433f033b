"""Who was erased: by keyed digests of their number, which alone are left of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.conf import settings

from http_api.derivation import derived, newest_pepper
from messaging.models import Erasure


def digests(account_id: int, phones: Collection[str]) -> list[str]:
    """Return what is stored of these numbers."""
    return _digests(account_id, phones, [newest_pepper()])


def _digests(account_id: int, phones: Collection[str], versions: Collection[int]) -> list[str]:
    return [
        f"{version}${derived(version, 'erasure', f'{account_id} {phone}').hex()}"
        for version in sorted(versions)
        for phone in sorted(phones)
    ]


def is_erased(account_id: int, phones: Collection[str], at: dt.datetime) -> bool:
    """Say whether what one of these said at this time was erased since."""
    later = Erasure.objects.filter(account_id=account_id, asked_at__gte=at)
    of_them = _digests(account_id, phones, list(settings.PEPPERS))
    return later.filter(digests__overlap=of_them).exists()
