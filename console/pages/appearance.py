"""A person's profile: their name, and theme and language, which the browser keeps, so that the log-in
has them too."""

from __future__ import annotations

from collections.abc import Collection

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from console.access import Visit, needs
from console.context import THEME_COOKIE
from console.pages.parts import line
from members.models import Role
from members.services import call

THEMES = {"": _("as the device"), "light": _("light"), "dark": _("dark")}
_A_YEAR = 365 * 86_400


@needs(Role.VIEWER)
def appearance(request: HttpRequest, visit: Visit) -> HttpResponse:
    languages = {"": _("as the browser"), **dict(settings.LANGUAGES)}
    if request.method != "POST":
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        context = {"themes": THEMES, "languages": languages, "language": chosen}
        return render(request, "console/appearance.html", context)
    called = line(request, "called", 150)
    if "called" in request.POST and called != visit.user.first_name:
        call(visit.user, called, request.META)
    response = redirect("console:appearance")
    _keep(response, THEME_COOKIE, request.POST.get("theme", ""), THEMES)
    _keep(response, settings.LANGUAGE_COOKIE_NAME, request.POST.get("language", ""), languages)
    return response


def _keep(response: HttpResponse, cookie: str, value: str, known: Collection[str]) -> None:
    if value and value in known:
        secure = settings.SESSION_COOKIE_SECURE
        response.set_cookie(cookie, value, _A_YEAR, secure=secure, httponly=True, samesite="Lax")
    else:
        response.delete_cookie(cookie)
