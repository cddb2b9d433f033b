"""The context of the shell around each page: the visit and the menu."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest

from console.access import Visit
from console.words import PAGES, Words
from members import mail
from members.models import Role

THEME_COOKIE = "theme"


class Item(NamedTuple):
    """A place of the menu."""

    name: str  # of the route
    icon: str
    role: Role = Role.VIEWER

    @property
    def words(self) -> Words:
        return PAGES[self.name]


MENU = (
    Item("overview", "home"),
    Item("send", "send", Role.OPERATOR),
    Item("messages", "list"),
    Item("threads", "chat", Role.OPERATOR),
    Item("contacts", "user", Role.OPERATOR),
    Item("templates", "book", Role.OPERATOR),
    Item("opt_outs", "stop"),
    Item("phones", "phone"),
    Item("keys", "key", Role.OWNER),
    Item("webhooks", "bell", Role.OWNER),
    Item("settings", "gear", Role.OWNER),
    Item("team", "people", Role.OWNER),
    Item("audit", "book", Role.OWNER),
)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return the context that every page of the console has; for other pages theme and mail."""
    theme = request.COOKIES.get(THEME_COOKIE)
    shown: dict[str, Any] = {"mail_is_on": mail.is_on()}
    if theme in {"light", "dark"}:
        shown["theme"] = theme
    visit: Visit | None = getattr(request, "visit", None)
    if visit is None:
        return shown
    here = request.resolver_match.url_name if request.resolver_match else ""
    return shown | {
        "visit": visit,
        "menu": [(item, item.name == here) for item in MENU if visit.role.includes(item.role)],
    }
