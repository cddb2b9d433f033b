"""A phone's own word of itself with its last call: what troubles it, and its SIM cards."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.words import Words
from licenses.models import Device

_LOW = 15  # per cent of the battery

# What the app may not do, by the name that it has for the permission.
_NOT_ALLOWED: dict[str, Words] = {
    "send_sms": gettext_lazy("The app may not send SMS: allow it in the phone's settings."),
    "receive_sms": gettext_lazy(
        "The app may not receive SMS: allow it, or no replies and no STOP arrive."
    ),
    "phone_state": gettext_lazy(
        "The app may not read the phone's state: it does not see the SIMs."
    ),
    "notifications": gettext_lazy("The app may not notify: the phone may put it to sleep."),
    "battery_unrestricted": gettext_lazy(
        "The phone's battery saver may stop the app: in the app, let it run without limits."
    ),
}


def troubles(device: Device) -> list[Words]:
    """Return why it may do less than it should, or be silent."""
    said = device.health
    allowed = said.get("permissions", {})
    found = [words for name, words in _NOT_ALLOWED.items() if allowed.get(name) is False]
    if said.get("sims") == [] and allowed.get("phone_state") is not False:
        found.append(_("There is no SIM card in it."))
    battery = said.get("battery")
    if battery is not None and battery <= _LOW and not said.get("charging"):
        found.append(_("Its battery is nearly empty, and it is not charging."))
    if device.failing_sims:
        found.append(_("A SIM cannot send at the moment."))
    return found


def app(device: Device) -> str:
    """Return the version of its app, as it says since it was updated, or said when it was paired."""
    return str(device.health.get("app_version") or device.app_version)


def newer_app(device: Device, offered: str) -> str:
    """Return the version that this server offers, where the phone's is an earlier one; else ''."""
    mine, theirs = _numbers(app(device)), _numbers(offered)
    return offered if mine and theirs and mine < theirs else ""


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(map(int, parts)) if all(map(str.isdecimal, parts)) else ()


def sim_cards(device: Device) -> str:
    """Return its SIM cards by slot, with their networks."""
    cards: list[dict[str, Any]] = device.health.get("sims") or device.sims
    return ", ".join(
        " · ".join(filter(None, (f"SIM {card['slot'] + 1}", card.get("carrier"))))
        for card in cards
        if isinstance(card.get("slot"), int)
    )


def network(device: Device) -> Words:
    """Return by what it was connected; '' where that is not known."""
    return _NETWORKS.get(device.health.get("network", ""), "")


_NETWORKS: dict[str, Words] = {
    "wifi": "Wi-Fi",
    "mobile": gettext_lazy("mobile network"),
    "ethernet": gettext_lazy("cable"),
}
