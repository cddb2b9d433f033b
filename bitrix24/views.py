"""The routes of a portal: `POST /bitrix24/<token>/install/`, `…/sms/`, `…/robot/`, `…/events/`, and
`GET …/oauth/` for an administrator's browser.

The link says which portal it is for; that a portal calls, and not somebody who has seen the link, its
`application_token` proves.
"""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import re_path
from rest_framework.request import Request
from rest_framework.response import Response

from bitrix24 import importing, portals, sending
from bitrix24.models import Portal
from bitrix24.requests import (
    CONTACT_EVENTS,
    Authorization,
    ChangedContact,
    Installation,
    auth_of,
    fields_of,
)
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.reading import body_of, read
from http_api.shapes import validated
from licenses import lookup
from licenses.authentication import KeyAuthentication
from licenses.scopes import Scope
from licenses.sender import Sender
from licenses.viewsets import SenderViewSet
from messaging import responses
from messaging.models import Message

_UNINSTALLED = {"ONAPPUNINSTALL", "ONAPPSUNINSTALL"}  # the documentation has both


class PortalLink(KeyAuthentication):
    def principal(self, request: Request) -> Sender:
        context = request.parser_context
        context["view"].portal = portals.by_link(context["kwargs"]["token"])
        return lookup.sender_of_license(context["view"].portal.license_id)


class PortalViewSet(SenderViewSet):
    authentication_classes = [PortalLink]
    status_by_code: ClassVar = {ErrorCode.INVALID_KEY: 404}
    needs: ClassVar = {
        "install": Scope.SEND,
        "sms": Scope.SEND,
        "robot": Scope.SEND,
        "events": Scope.SEND,
        "oauth": Scope.SEND,
    }
    portal: Portal  # set by PortalLink

    def install(self, request: Request, token: str) -> Response:
        said = validated(Installation, auth_of(body_of(request)))
        portal = portals.install(self.portal, token, said)
        return Response({"state": portal.state})

    def sms(self, request: Request, token: str) -> Response:
        self._require_portal(request)
        return _taken(sending.send(self.portal, self.sender, body_of(request)))

    def robot(self, request: Request, token: str) -> Response:
        self._require_portal(request)
        return _taken(sending.send_of_rule(self.portal, self.sender, body_of(request)))

    def events(self, request: Request, token: str) -> Response:
        self._require_portal(request)
        form = body_of(request)
        event = str(form.get("event")).upper()
        if event in _UNINSTALLED:
            portals.uninstall(self.portal)
        elif event in CONTACT_EVENTS:
            changed = validated(ChangedContact, fields_of(form, "data[FIELDS]"))
            importing.note_change(self.portal, changed.ID)
        return Response({"state": self.portal.state})

    def oauth(self, request: Request, token: str) -> HttpResponse:
        portals.authorized(self.portal, token, read(request, Authorization))
        return redirect("admin:bitrix24_portal_change", self.portal.pk)

    def _require_portal(self, request: Request) -> None:
        given = auth_of(body_of(request)).get("application_token")
        if not portals.is_from(self.portal, str(given or "")):
            raise ApiError(ErrorCode.FORBIDDEN, "The application_token is not this portal's.")


def _taken(found: Message | ApiError) -> Response:
    """200 for a refusal too: the portal has given it to us, and hears the rest later."""
    if isinstance(found, ApiError):
        return Response(found.body())
    return Response({"id": found.pk, "status": responses.accepted(found)["status"]})


urlpatterns = [
    re_path(
        rf"^bitrix24/(?P<token>[A-Za-z0-9_-]{{20,100}})/{action}/?$",
        PortalViewSet.as_view({method: action}, basename="bitrix24"),
    )
    for method, action in (
        ("post", "install"),
        ("post", "sms"),
        ("post", "robot"),
        ("post", "events"),
        ("get", "oauth"),
    )
]
