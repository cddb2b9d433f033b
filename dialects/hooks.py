"""Hook links: a send for programs that have nothing but a URL field, like Bitrix24's webhook robot.

`GET|POST /hooks/<token>/?phone=…&message=…[&external_id=…][&send_after=…]`, or the same in the body. An
alert link has its recipients inside (contacts.alerts). The native API's rules and errors. Its token is
made to stand in a URL: it may send, and nothing else.
"""

from __future__ import annotations

from typing import ClassVar

from django.urls import re_path
from rest_framework.request import Request
from rest_framework.response import Response
from typing_extensions import TypedDict

from contacts import alerts
from dialects.hook_fields import hook_fields, queried_fields
from http_api.answers import RowId
from http_api.deadlocks import retry_on_deadlock
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.reading import read_fields
from http_api.shapes import Shape
from licenses import lookup, tokens
from licenses.authentication import KeyAuthentication
from licenses.scopes import Scope
from licenses.sender import AlertLink, Sender
from licenses.viewsets import SenderViewSet
from messaging import responses, selectors
from messaging.drafts import Draft
from messaging.fields import ExternalId, Phone, Text, Time
from messaging.models import Message
from messaging.rules import SkipReason
from messaging.services import accept
from messaging.states import MessageState


class HookToken(KeyAuthentication):
    def principal(self, request: Request) -> Sender:
        token = request.parser_context["kwargs"]["token"]
        return lookup.sender_by_issued_token(tokens.Kind.HOOK, token)


class HookMessage(Shape):
    """The message of a hook link."""

    phone: Phone
    message: Text
    external_id: ExternalId | None = None
    send_after: Time | None = None

    def draft(self) -> Draft:
        return Draft(
            phone=self.phone,
            text=self.message,
            external_id=self.external_id,
            send_after=self.send_after,
        )


class Alert(Shape):
    """The message of an alert link."""

    message: Text
    external_id: ExternalId | None = None


class HookAnswer(TypedDict):
    id: RowId
    status: MessageState


class AlertAnswer(TypedDict):
    messages: list[HookAnswer]  # by recipient; whose number the caller need not know


# The second click on a link is told what the first one made.
_ONCE = accept.Policy(left_out=frozenset({SkipReason.DUPLICATE_EXTERNAL_ID}))


class HookViewSet(SenderViewSet):
    authentication_classes = [HookToken]
    status_by_code: ClassVar = {ErrorCode.INVALID_KEY: 404}
    needs: ClassVar = {"send": Scope.SEND}

    def send(self, request: Request, token: str) -> Response:
        if request.method == "HEAD":  # asks what a GET would answer; must not do what it does
            self.http_method_not_allowed(request)
        if link := self.sender.alert_link:
            return self._alert(request, link)
        fields = hook_fields(request, "phone", "message")
        draft = read_fields(request, fields, HookMessage).draft()
        result = accept.accept(self.sender, [draft], _ONCE)
        if result.created:
            return _answer(_shown(result.only), is_new=True)
        return _answer(_shown(_sent_before(self.sender, result.skipped[0])), is_new=False)

    def _alert(self, request: Request, link: AlertLink) -> Response:
        if "phone" in queried_fields(request):
            raise ApiError.of_field("phone", "this link has its recipients inside: leave it out")
        fields = hook_fields(request, "message")
        alert = read_fields(request, fields, Alert)
        messages, is_new = retry_on_deadlock(
            lambda: alerts.send(self.sender, link, alert.message, alert.external_id)
        )
        answer: AlertAnswer = {"messages": [_shown(message) for message in messages]}
        return _answer(answer, is_new=is_new)


def _sent_before(sender: Sender, skip: accept.Skip) -> Message:
    return selectors.message_of_license(sender.license_id, str(skip.external_id))


def _shown(message: Message) -> HookAnswer:
    return {"id": message.pk, "status": responses.accepted(message)["status"]}


def _answer(answer: HookAnswer | AlertAnswer, *, is_new: bool) -> Response:
    status = 201 if is_new else 200
    return Response(answer, status=status, headers={"Cache-Control": "no-store"})


urlpatterns = [
    re_path(
        r"^hooks/(?P<token>[A-Za-z0-9_-]{1,100})/?$",
        HookViewSet.as_view({"get": "send", "post": "send"}, basename="hooks"),
    )
]
