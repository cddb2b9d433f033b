"""Every route. Each answers with and without its trailing slash, never by redirect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps

from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt

from companion_api.views import PairViewSet, SyncViewSet
from contacts.views import ContactViewSet, GroupViewSet, ImportViewSet, TemplateViewSet
from http_api.views import ApiViewSet
from licenses.views import MeViewSet
from messaging.views import InboxViewSet, MessageViewSet, OptOutViewSet, ThreadViewSet
from privacy.views import ErasureViewSet, PersonViewSet
from smsgate.operations import health, metrics
from smsgate.pages import error_pages, views
from webhooks.views import EventViewSet, WebhookViewSet

COLLECTION = {"get": "list", "post": "create"}
READ_OR_CANCEL = {"get": "retrieve", "delete": "destroy"}
ONE = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}


def route(
    pattern: str, view: type[ApiViewSet], actions: Mapping[str, str], name: str
) -> URLPattern:
    basename = name.rpartition("-")[0] or name
    return re_path(rf"^{pattern}/?$", view.as_view(dict(actions), basename=basename), name=name)


def page(pattern: str, view: Callable[[HttpRequest], HttpResponseBase], name: str) -> URLPattern:
    """Route a page that is only read: a program that posts to it is told so."""

    @csrf_exempt
    @wraps(view)
    def to_look_at(request: HttpRequest) -> HttpResponseBase:
        if request.method not in {"GET", "HEAD"}:
            return error_pages.wrong_method(request, allowed="GET, HEAD")
        return view(request)

    return re_path(rf"^{pattern}/?$", to_look_at, name=name)


ID = "[0-9]{1,18}"
MESSAGE = f"(?P<message_id>{ID})"
IMPORT = f"(?P<import_id>{ID})"
CONTACT = f"(?P<contact_id>{ID})"
THREAD = f"(?P<thread_id>{ID})"
TEMPLATE = f"(?P<template_id>{ID})"
ENDPOINT, DELIVERY = f"(?P<endpoint_id>{ID})", f"(?P<delivery_id>{ID})"

# Grouped, so that a path of another group is passed over at once.
urlpatterns: list[URLPattern | URLResolver] = [
    path("api/messages", include([
        route("", MessageViewSet, COLLECTION, "messages-list"),
        route("/bulk", MessageViewSet, {"post": "bulk"}, "messages-bulk"),
        route("/preview", MessageViewSet, {"post": "preview"}, "messages-preview"),
        route(f"/{MESSAGE}", MessageViewSet, READ_OR_CANCEL, "messages-detail"),
        route(f"/{MESSAGE}/resolve", MessageViewSet, {"post": "resolve"}, "messages-resolve"),
    ])),
    path("api/contacts/", include([
        route("contacts", ContactViewSet, COLLECTION, "contacts-list"),
        route("contacts/bulk", ContactViewSet, {"post": "bulk"}, "contacts-bulk"),
        route(f"contacts/{CONTACT}", ContactViewSet, ONE, "contacts-detail"),
        route("contacts/delete", ContactViewSet, {"post": "delete_many"}, "contacts-delete"),
        route(f"contacts/{CONTACT}/merge", ContactViewSet, {"post": "merge"}, "contacts-merge"),
        route(f"groups/(?P<group_id>{ID})/merge", GroupViewSet, {"post": "merge"}, "groups-merge"),
        route("imports", ImportViewSet, COLLECTION, "imports-list"),
        route(f"imports/{IMPORT}", ImportViewSet, ONE, "imports-detail"),
        route(f"imports/{IMPORT}/start", ImportViewSet, {"post": "start"}, "imports-start"),
        route(f"imports/{IMPORT}/stop", ImportViewSet, {"post": "stop"}, "imports-stop"),
        route(f"imports/{IMPORT}/undo", ImportViewSet, {"post": "undo"}, "imports-undo"),
        route(f"imports/{IMPORT}/problems", ImportViewSet, {"get": "problems"}, "imports-problems"),
        route("groups", GroupViewSet, COLLECTION, "groups-list"),
        route("groups/bulk", GroupViewSet, {"post": "bulk"}, "groups-bulk"),
        route(f"groups/(?P<group_id>{ID})", GroupViewSet, ONE, "groups-detail"),
    ])),
    path("companion/", include([
        route("sync", SyncViewSet, {"post": "create"}, "companion-sync"),
        route("pair", PairViewSet, {"post": "create"}, "companion-pair"),
        page("schema", views.companion_schema, "companion-schema"),
    ])),
    path("", include("bitrix24.views")),
    path("", include("dialects.urls")),  # after what programs and phones ask most, before the rest
    path("api/templates", include([
        route("", TemplateViewSet, COLLECTION, "templates-list"),
        route(f"/{TEMPLATE}", TemplateViewSet, ONE, "templates-detail"),
        route(f"/{TEMPLATE}/render", TemplateViewSet, {"post": "render"}, "templates-render"),
    ])),
    path("api/threads", include([
        route("", ThreadViewSet, {"get": "list"}, "threads-list"),
        route(f"/{THREAD}", ThreadViewSet, {"get": "retrieve", "patch": "partial_update"},
              "threads-detail"),
        route(f"/{THREAD}/messages", ThreadViewSet, {"get": "messages"}, "threads-messages"),
    ])),
    route("api/persons", PersonViewSet, {"post": "export"}, "persons"),
    route("api/erasures", ErasureViewSet, COLLECTION, "erasures-list"),
    route(f"api/erasures/(?P<erasure_id>{ID})", ErasureViewSet, {"get": "retrieve"}, "erasures-detail"),
    route("api/inbox", InboxViewSet, {"get": "list"}, "inbox-list"),
    route("api/opt-outs", OptOutViewSet, COLLECTION, "opt-outs-list"),
    route("api/opt-outs/(?P<phone>[^/]{1,32})", OptOutViewSet, {"delete": "destroy"}, "opt-outs-detail"),
    path("api/webhooks", include([
        route("", WebhookViewSet, COLLECTION, "webhooks-list"),
        route(f"/{ENDPOINT}", WebhookViewSet, ONE, "webhooks-detail"),
        route(f"/{ENDPOINT}/test", WebhookViewSet, {"post": "test"}, "webhooks-test"),
        route(f"/{ENDPOINT}/rotate", WebhookViewSet, {"post": "rotate"}, "webhooks-rotate"),
        route(f"/{ENDPOINT}/deliveries", WebhookViewSet, {"get": "deliveries"}, "webhooks-deliveries"),
        route(f"/{ENDPOINT}/deliveries/replay", WebhookViewSet, {"post": "replay_failed"},
              "webhooks-replay"),
        route(f"/{ENDPOINT}/deliveries/{DELIVERY}/replay", WebhookViewSet, {"post": "replay"},
              "webhooks-delivery-replay"),
    ])),
    route("api/events", EventViewSet, {"get": "list"}, "events-list"),
    route("api/me", MeViewSet, {"get": "retrieve"}, "me"),
    page("api/schema", views.schema, "schema"),
    page("api/docs", views.api_docs, "docs"),
    page("pair", views.pair, "pair"),
    page("pair/smsgate.apk", views.app, "app"),
    page("bitrix24/app.zip", views.bitrix24_app, "bitrix24-app"),
    page("healthz", health.healthz, "healthz"),
    page("readyz", health.readyz, "readyz"),
    page("metrics", metrics.metrics, "metrics"),
    page("favicon.ico", views.icon, "icon"),
    page("", views.home, "home"),
    path("admin/", admin.site.urls),
    path("account/", include("allauth.account.urls")),
    path("account/sessions/", include("allauth.usersessions.urls")),
    path("account/second-factor/", include("allauth.mfa.urls")),
    path("console/", include("console.urls")),
    page("console", views.to_console, "console"),  # as people type it
    page("login", views.to_console, "login"),
]  # fmt: skip

handler400 = error_pages.bad_request
handler403 = error_pages.forbidden
handler404 = error_pages.not_found
handler500 = error_pages.server_error
