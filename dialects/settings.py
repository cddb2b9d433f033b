"""The settings that dialects add to an account, `Account.dialect_settings`: by dialect and by name.

Only what differs from a setting's default is stored.
"""

from __future__ import annotations

from collections.abc import Mapping

from dialects.base import Setting
from licenses.models import Account


def is_on(account_id: int, dialect: str, setting: Setting) -> bool:
    """Tell whether this account has the setting switched on."""
    stored = Account.objects.values_list("dialect_settings", flat=True).get(pk=account_id)
    return value_in(stored, dialect, setting)


def value_in(stored: Mapping[str, Mapping[str, bool]], dialect: str, setting: Setting) -> bool:
    return stored.get(dialect, {}).get(setting.name, setting.default)
