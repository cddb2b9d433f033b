"""A look at whether an account has anything new: what a page's event stream asks (smsgate.web).

It names nothing: the page asks for itself again, by its own rules.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from console.access import Visit, needs
from console.pages.parts import number
from http_api.errors import ApiError
from licenses.authentication import ACCOUNT
from members.models import Role
from outbox.types import EventType
from webhooks import feed

_AT_MOST = 1_000  # events of one look


@require_safe
@needs(Role.VIEWER)
def look(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Answer as the feed does, with one event that says `changed` for all that are new."""
    request.META[ACCOUNT] = visit.account.pk
    after = number(request.GET.get("after", "latest"))
    if after is None:
        return JsonResponse({"after": feed.newest(visit.account.pk), "results": []})
    try:
        found, newest = feed.events(
            visit.account.pk, after=after, types=tuple(EventType), limit=_AT_MOST
        )
        is_changed = bool(found)
    except ApiError:  # what came since is deleted already: a page that slept for a month
        newest, is_changed = feed.newest(visit.account.pk), True
    changed = [{"id": newest, "type": "changed"}] if is_changed else []
    return JsonResponse({"after": newest, "results": changed})
