"""The team: who may do what, and invitations."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from console import words
from console.access import Visit, needs, open_account, visit_account, with_second_factor
from console.pages.messages import tell_or_raise
from console.pages.parts import line, number
from http_api import clock
from http_api.addresses import client_network
from http_api.errors import ApiError
from licenses.models import Account
from members import mail, passwords, services
from members.models import Invitation, Member, Role


@require_safe
@needs(Role.OWNER)
def team(request: HttpRequest, visit: Visit) -> HttpResponse:
    return team_page(request, visit)


def team_page(request: HttpRequest, visit: Visit, **shown_once: str) -> HttpResponse:
    mine = Member.objects.filter(account=visit.account).select_related("user").order_by("pk")
    open_ones = Invitation.objects.filter(
        account=visit.account, accepted_at=None, expires_at__gt=clock.now()
    )
    context = {
        "members": [(member, words.ROLES[member.role]) for member in mine],
        "invitations": [(one, words.ROLES[one.role]) for one in open_ones.order_by("pk")],
        "roles": words.ROLES,
        "resettable": passwords.in_an_owners_hands(visit.account.pk, visit.user),
        "with_second_factor": with_second_factor([member.user_id for member in mine]),
        **shown_once,
    }
    return render(request, "console/team.html", context)


@require_POST
@needs(Role.OWNER)
def invite(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Make a link and show it: this once."""
    name, role = line(request, "name", 150), _role(request)
    if not name or role is None:
        messages.error(request, _("Say who it is for, and choose a role."))
        return redirect("console:team")
    email = line(request, "email", 254)
    try:
        made = services.invite(visit.account.pk, name, role, visit.actor, email)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("console:team")
    except ApiError as error:
        tell_or_raise(request, error)
        return redirect("console:team")
    return team_page(request, visit, link=services.link(made.token), mailed_to=email)


@require_POST
@needs(Role.OWNER)
def withdraw(request: HttpRequest, visit: Visit, invitation_id: int) -> HttpResponse:
    services.withdraw_invitation(visit.account.pk, invitation_id, visit.actor)
    return redirect("console:team")


@require_POST
@needs(Role.OWNER)
def change(request: HttpRequest, visit: Visit, member_id: int) -> HttpResponse:
    role = _role(request)
    if role is None:
        messages.error(request, _("Choose a role."))
        return redirect("console:team")
    try:
        services.change_role(visit.account.pk, member_id, role, visit.actor)
    except ApiError as error:
        _tell(request, error)
    return redirect("console:team")


@require_POST
@needs(Role.OWNER)
def remove(request: HttpRequest, visit: Visit, member_id: int) -> HttpResponse:
    try:
        services.remove(visit.account.pk, member_id, visit.actor)
    except ApiError as error:
        _tell(request, error)
    return redirect("console:team")


def _tell(request: HttpRequest, error: ApiError) -> None:
    if error.code.status == 409:
        messages.error(request, _("An account needs an owner: make somebody else one first."))
    else:
        tell_or_raise(request, error)


def _role(request: HttpRequest) -> Role | None:
    return next((role for role in Role if role == request.POST.get("role")), None)


def join(request: HttpRequest) -> HttpResponse:
    """Accept an invitation: as who is logged in, or as somebody new.

    The page reads the link's token from the fragment, and posts it.
    """
    token = request.POST.get("token", "")
    if request.method != "POST":
        return render(request, "console/join.html")
    try:
        invitation = services.invitation_of(token)
        context = {"token": token, "invitation": invitation, "role": words.ROLES[invitation.role]}
        if "accept" not in request.POST:
            return render(request, "console/join.html", context)
        user = request.user
        if isinstance(user, User):
            services.join(token, user, client_network(request.META))
        else:
            user = services.join_anew(
                token, request.POST.get("username", "").strip(),
                request.POST.get("password", ""), client_network(request.META),
                request.POST.get("email", "").strip(),
            )  # fmt: skip
            login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
            if mail.is_on() and request.POST.get("email"):
                messages.info(
                    request, _("Open the link that was mailed to you: it confirms your e-mail.")
                )
    except ApiError:
        return render(request, "console/join.html", {"is_over": True}, status=404)
    except ValidationError as error:
        context |= {"errors": error.message_dict, "given": request.POST}
        return render(request, "console/join.html", context, status=400)
    open_account(request, invitation.account_id)
    return redirect("console:overview")


@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Open another account: one of one's own, or, for administrators of the installation, any."""
    user, account_id = request.user, number(request.POST.get("account", ""))
    if not isinstance(user, User) or account_id is None:
        raise Http404
    if Member.objects.filter(user=user, account_id=account_id).exists():
        open_account(request, account_id)
    elif user.is_superuser and Account.objects.filter(pk=account_id).exists():
        visit_account(request, account_id)
    else:
        raise Http404
    return redirect("console:overview")
