"""The admin's site: what it shows and does of an account stands in that account's audit trail.

Every page of every model passes through one function, so that a new one is recorded without a line of
its own. A form that is posted is recorded before it is read, whatever becomes of it; what is shown
before it is sent. Names that are offered while somebody types are not recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, ForeignKey, Min, QuerySet
from django.http import HttpRequest, HttpResponse

from http_api.addresses import client_network
from licenses.models import Account
from members import audit
from members.audit import About, Action, Actor

View = Callable[..., HttpResponse]
Rows = QuerySet[Any, Any]


class Site(AdminSite):
    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """As Django's, which asks first whether this is a member of the staff."""
        of = getattr(view, "__self__", None)
        shown = _recorded(view, of) if isinstance(of, ModelAdmin) else view
        return super().admin_view(shown, cacheable)


def _recorded(view: View, model_admin: ModelAdmin[Any]) -> View:
    def recorded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        named = _named(request, model_admin, kwargs)
        if request.method == "POST":
            _record(request, Action.OPERATED, named)
        is_new = request.method == "POST" and view.__name__ == "add_view"
        answer = partial(view, request, *args, **kwargs)
        response = _added(request, model_admin, answer) if is_new else answer()
        if request.method != "POST" and response.status_code == 200:
            _record(request, Action.VISITED, named)
        _record(request, Action.VISITED, _listed(response, model_admin))
        return response

    return recorded


@transaction.atomic
def _added(
    request: HttpRequest, model_admin: ModelAdmin[Any], add: Callable[[], HttpResponse]
) -> HttpResponse:
    """Answer a form of a new row; what it made is recorded in the same transaction. Django's own log of
    additions says which rows those are."""
    mine = LogEntry.objects.filter(user_id=request.user.pk or 0, action_flag=ADDITION).order_by(
        "-pk"
    )
    last = mine.values_list("pk", flat=True).first() or 0
    response = add()
    made = mine.filter(pk__gt=last).values_list("object_id", flat=True)
    _record(request, Action.OPERATED, _rows(model_admin, list(made)), added=True)
    return response


def _named(request: HttpRequest, model_admin: ModelAdmin[Any], kwargs: dict[str, Any]) -> Rows:
    """Return the rows that the address names, or those that were ticked for an action."""
    if request.POST.get("select_across") == "1":  # all that the list's filter finds
        try:
            found: Rows = model_admin.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return _rows(model_admin, [])
        return found
    one = kwargs.get("object_id") or kwargs.get("id")  # the latter in the form of a new password
    return _rows(model_admin, [one] if one else request.POST.getlist("_selected_action"))


def _listed(response: HttpResponse, model_admin: ModelAdmin[Any]) -> Rows:
    """Return the rows of the list that this page shows."""
    shown = (getattr(response, "context_data", None) or {}).get("cl")
    return _rows(model_admin, [row.pk for row in shown.result_list] if shown else [])


def _rows(model_admin: ModelAdmin[Any], ids: list[Any]) -> Rows:
    numbers = [int(one) for one in ids if str(one).isdecimal() and len(str(one)) < 19]
    rows: Rows = model_admin.model._base_manager.filter(pk__in=numbers)
    return rows


@transaction.atomic
def _record(request: HttpRequest, action: Action, rows: Rows, **details: Any) -> None:
    """Record it in each account that has some of these rows."""
    model: Any = rows.model
    way, user = _way(model), request.user
    if way is None or not isinstance(user, User):
        return
    whose = rows.order_by().values_list(way).annotate(Count("pk"), Min("pk"))
    about = [
        About(account_id, first) if number == 1 else About(account_id, None, number)
        for account_id, number, first in whose
        if account_id is not None
    ]
    by = Actor(user, client_network(request.META))
    audit.record_each(about, by, action, rows=model._meta.label, **details)


@cache
def _way(model: Any) -> str | None:
    """Return the look-up that leads from a row to its account; a person's leads to each of theirs."""
    if model is Account:
        return "pk"
    if model is User:
        return "memberships__account"
    keys = [key for key in model._meta.concrete_fields if isinstance(key, ForeignKey)]
    parents = [(key.name, key.related_model) for key in keys if key.related_model is not model]
    ways = [f"{name}__{way}" for name, parent in parents if (way := _way(parent))]
    return min(ways, key=lambda way: way.count("__"), default=None)
