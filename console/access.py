"""Access: the only way from a request to one.

A view is given a Visit; what it may see and do follows from it. A person may be in several accounts, one
at a time. An administrator of the installation may look into any, as a viewer; each page that they are
shown is recorded there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from http_api import clock
from http_api.addresses import client_network
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from licenses.models import Account
from members import audit
from members.audit import About, Action, Actor
from members.models import Role
from members.selectors import memberships

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

_ACCOUNT = "console_account"  # in the session
_VISITED = "console_visited"
_SEEN = "console_seen"  # by an administrator: when, by account and page
_AGAIN = 60  # seconds


@dataclass(frozen=True, slots=True)
class Visit:
    """A person in an account."""

    user: User
    account: Account
    role: Role
    network: str
    is_guest: bool = False  # an administrator who is no member
    others: tuple[Account, ...] = ()  # where this person is a member, too

    @property
    def is_operator(self) -> bool:
        return self.role.includes(Role.OPERATOR)

    @property
    def is_owner(self) -> bool:
        return self.role.includes(Role.OWNER)

    @property
    def actor(self) -> Actor:
        return Actor(self.user, self.network)

    def record(self, action: Action, object_id: int | None = None, **details: Any) -> None:
        """Add an entry to the account's trail, in the transaction of what this person does."""
        audit.record(self.account.pk, self.actor, action, object_id=object_id, **details)


def needs(
    role: Role,
) -> Callable[[Callable[Concatenate[HttpRequest, Visit, P], HttpResponseBase]], View[P]]:
    """Let a view be asked by members with this role or more. It is given the Visit after the request.

    What it raises as `not_found` is answered by the page for 404: so are another account's rows.
    """

    def decorate(
        view: Callable[Concatenate[HttpRequest, Visit, P], HttpResponseBase],
    ) -> View[P]:
        @wraps(view)
        def of_member(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            user = request.user
            if not isinstance(user, User):
                return redirect_to_login(request.path)
            visit = visit_of(request, user)
            if visit is None:
                return render(request, "console/no_account.html", status=403)
            request.visit = visit  # type: ignore[attr-defined] # for the shell around each page
            if visit.account.needs_second_factor and not with_second_factor([user.pk]):
                return render(request, "console/second_factor.html", status=403)
            with timezone.override(visit.account.zone):
                if not visit.role.includes(role):
                    return render(request, "console/not_allowed.html", {"role": role}, status=403)
                try:
                    response = view(request, visit, *args, **kwargs)
                except ApiError as error:
                    if error.code == ErrorCode.NOT_FOUND:
                        raise Http404 from None
                    raise
            if visit.is_guest:
                _record(request, visit, response, kwargs)
            add_never_cache_headers(response)
            return response

        return of_member  # type: ignore[return-value] # mypy names its first argument

    return decorate


def _record(
    request: HttpRequest, visit: Visit, response: HttpResponseBase, ids: Mapping[str, object]
) -> None:
    """Record which page an administrator is shown. One that follows what happens asks for itself again,
    and is recorded once a minute."""
    if response.status_code != 200 or "text/html" not in response["Content-Type"]:
        return
    now, page = clock.now().timestamp(), f"{visit.account.pk} {request.get_full_path()}"
    seen = request.session.get(_SEEN, {})
    recent = {one: at for one, at in seen.items() if now - at < _AGAIN}
    if page in recent and request.method == "GET":
        return
    request.session[_SEEN] = recent | {page: now}
    match = request.resolver_match
    [object_id] = ids.values() or [None]
    about = About(visit.account.pk, object_id if isinstance(object_id, int) else None)
    with transaction.atomic():
        audit.record_each(
            [about], visit.actor, Action.VISITED, page=match.url_name if match else ""
        )


def with_second_factor(user_ids: Collection[int]) -> set[int]:
    """Return which of these people log in with one. Recovery codes alone are none."""
    kinds = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    found = Authenticator.objects.filter(user_id__in=user_ids, type__in=kinds)
    return set(found.values_list("user_id", flat=True))


def visit_of(request: HttpRequest, user: User) -> Visit | None:
    """Return the account that this person has open; else the first of theirs, else None."""
    members = memberships(user)
    network = client_network(request.META)
    wanted = request.session.get(_ACCOUNT)
    if user.is_superuser and (guest := request.session.get(_VISITED)) is not None:
        account = Account.objects.filter(pk=guest).first()
        if account is not None:
            others = tuple(one.account for one in members)
            return Visit(user, account, Role.VIEWER, network, is_guest=True, others=others)
    member = next((one for one in members if one.account_id == wanted), None)
    member = member or next(iter(members), None)
    if member is None:
        return None
    others = tuple(one.account for one in members if one is not member)
    return Visit(user, member.account, Role(member.role), network, others=others)


def open_account(request: HttpRequest, account_id: int) -> None:
    """Show this account from the next page on, if the person is a member of it."""
    request.session[_ACCOUNT] = account_id
    request.session.pop(_VISITED, None)


def visit_account(request: HttpRequest, account_id: int) -> None:
    """Let an administrator look into this account from the next page on."""
    request.session[_VISITED] = account_id
