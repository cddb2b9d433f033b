"""Every route. Each answers with and without its trailing slash, never by redirect."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path, re_path

from companion_api.views import PairViewSet, SyncViewSet
from contacts.views import ContactViewSet, GroupViewSet
from http_api import errors
from http_api.views import ApiViewSet
from licenses.views import MeViewSet
from messaging.views import InboxViewSet, MessageViewSet, OptOutViewSet
from smsgate import ops, pages

COLLECTION = {"get": "list", "post": "create"}


def route(
    pattern: str, view: type[ApiViewSet], actions: Mapping[str, str], name: str
) -> URLPattern:
    basename = name.rpartition("-")[0] or name
    return re_path(rf"^{pattern}/?$", view.as_view(dict(actions), basename=basename), name=name)


ID = r"(?P<message_id>[0-9]{1,18})"

urlpatterns: list[URLPattern | URLResolver] = [
    route("api/messages", MessageViewSet, COLLECTION, "messages-list"),
    route("api/messages/bulk", MessageViewSet, {"post": "bulk"}, "messages-bulk"),
    route(
        f"api/messages/{ID}", MessageViewSet, {"get": "retrieve", "delete": "destroy"},
        "messages-detail",
    ),
    route(f"api/messages/{ID}/resolve", MessageViewSet, {"post": "resolve"}, "messages-resolve"),
    route("api/contacts/contacts", ContactViewSet, {"post": "create"}, "contacts-list"),
    route("api/contacts/contacts/bulk", ContactViewSet, {"post": "bulk"}, "contacts-bulk"),
    route("api/contacts/groups", GroupViewSet, {"post": "create"}, "groups-list"),
    route("api/contacts/groups/bulk", GroupViewSet, {"post": "bulk"}, "groups-bulk"),
    route("api/inbox", InboxViewSet, {"get": "list"}, "inbox-list"),
    route("api/opt-outs", OptOutViewSet, COLLECTION, "opt-outs-list"),
    route("api/opt-outs/(?P<phone>[^/]{1,32})", OptOutViewSet, {"delete": "destroy"}, "opt-outs-detail"),
    route("api/me", MeViewSet, {"get": "retrieve"}, "me"),
    route("companion/pair", PairViewSet, {"post": "create"}, "companion-pair"),
    route("companion/sync", SyncViewSet, {"post": "create"}, "companion-sync"),
    re_path(r"^api/schema/?$", pages.schema, name="schema"),
    re_path(r"^api/docs/?$", pages.api_docs, name="docs"),
    re_path(r"^pair/?$", pages.pair, name="pair"),
    re_path(r"^healthz/?$", ops.healthz, name="healthz"),
    re_path(r"^readyz/?$", ops.readyz, name="readyz"),
    re_path(r"^metrics/?$", ops.metrics, name="metrics"),
    path("", pages.home, name="home"),
    path("admin/", admin.site.urls),
]  # fmt: skip

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
