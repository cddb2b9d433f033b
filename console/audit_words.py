"""An entry of the audit trail in words: details beside who, what and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.apps import apps
from django.template.defaultfilters import yesno
from django.utils.translation import gettext_lazy as _

from console.words import PAGES, ROLES, Words
from licenses.models import Account


class Detail(NamedTuple):
    name: Words  # '' where the value says it all
    value: Words


def place(given: Mapping[str, Any]) -> Words:
    """Return where an administrator looked: at a page of the console, or at rows in the admin."""
    if page := given.get("page"):
        return PAGES.get(page, str(page))
    rows = given.get("rows")
    return _rows(rows) if isinstance(rows, str) else ""


def details(given: Mapping[str, Any]) -> list[Detail]:
    """Return what else an entry says."""
    return [
        Detail(_name(name), _value(name, value))
        for name, value in given.items()
        if name != "page" and not (name == "rows" and isinstance(value, str))
    ]


def _rows(label: str) -> Words:
    """Return the name that the admin has for this kind of rows; of one that is gone its label."""
    try:
        return apps.get_model(label)._meta.verbose_name or label
    except LookupError:
        return label


_NAMES: dict[str, Words] = {
    "role": _("Role"),
    "rows": _("Rows"),
    "reason": _("Why"),
    "assignee": _("Who sees to it"),
    "members": _("Members"),
    "minutes": _("Minutes of silence"),
    "is_paused": _("paused"),
    "is_active": _("switched on"),
    "enabled": _("switched on"),
    "rotated": _("new secret"),
    "added": _("added"),
    "scopes": _("What it may do"),
    "merged": _("merged into it"),
    "with_contacts": _("and the people in it"),
    "merged_into": _("merged into"),
    "name": _("Name"),
    "kind": "",
    "resolution": "",
}

_VALUES: dict[str, Words] = {
    **ROLES,
    "sent": _("It was sent"),
    "again": _("Send it again"),
    "given_up": _("Give it up"),
    "license_key": _("licence key"),
    "credential": _("Log-in for programs"),
    "hook": _("The hook link"),
    "totp": _("authenticator app"),
    "webauthn": _("passkey"),
    "recovery_codes": _("recovery codes"),
}


def _name(name: str) -> Words:
    """Return what a detail is called; a setting has the name that its form shows."""
    setting = _setting(name)
    return _NAMES.get(name, str(setting.verbose_name) if setting else name)


def _setting(name: str) -> Any:
    """Return the field of the account that has this name, if there is one."""
    return {field.name: field for field in Account._meta.concrete_fields}.get(name)


def _value(name: str, value: Any) -> Words:
    if isinstance(value, dict):
        return f"{_value(name, value['from'])} → {_value(name, value['to'])}"
    if isinstance(value, bool) or value == "True":
        return str(yesno(value))
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    if name in {"role", "kind", "resolution"}:
        return _VALUES.get(value, str(value))
    choices: dict[str, Words] = dict(getattr(_setting(name), "flatchoices", ()))
    return choices.get(value, str(value) or "–")
