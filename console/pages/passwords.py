"""A new password for who forgot it: from a link, made by an owner or mailed, to allauth's form."""

from __future__ import annotations

from allauth.account.views._password_reset import (
    INTERNAL_RESET_SESSION_KEY,
    PasswordResetFromKeyView,
)
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from console.access import Visit, needs
from console.pages.team import team_page
from members import passwords
from members.models import Role


@require_POST
@needs(Role.OWNER)
def make_link(request: HttpRequest, visit: Visit, member_id: int) -> HttpResponse:
    """Make a link for a member and show it: this once."""
    link = passwords.new_link(visit.account.pk, member_id, visit.actor)
    return team_page(request, visit, reset_link=link)


def reset(request: HttpRequest) -> HttpResponse:
    """Go on to the form: the page reads the link's key from the fragment, and posts it."""
    if request.method != "POST":
        return render(request, "console/reset.html")
    uid, _, key = request.POST.get("token", "").partition("-")
    if not (uid.isascii() and uid.isalnum()):
        return render(request, "console/reset.html", {"is_over": True}, status=404)
    request.session[INTERNAL_RESET_SESSION_KEY] = key
    form = PasswordResetFromKeyView.reset_url_key
    return redirect("account_reset_password_from_key", uidb36=uid, key=form)
