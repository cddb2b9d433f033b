"""Hook links: a send for programs that have nothing but a URL field, like Bitrix24's webhook robot.

`GET|POST /hooks/<token>/?phone=…&message=…[&external_id=…][&send_after=…]`. The native API's rules and
errors. Its token is made to stand in a URL: it may send, and nothing else. The body
is not looked at: such programs post one of their own.
"""

from __future__ import annotations

from typing import ClassVar

from django.urls import re_path
from pydantic import field_validator
from rest_framework.request import Request
from rest_framework.response import Response
from typing_extensions import TypedDict

from http_api.errors import Refusal
from http_api.parsing import parse_form
from http_api.shapes import Shape, validated
from http_api.views import ApiViewSet
from licenses import auth, tokens
from licenses.auth import Sender, sender_of
from licenses.authentication import KeyAuthentication
from messaging import answers, selectors
from messaging.drafts import Draft
from messaging.fields import ExternalId, Phone, Text, Time
from messaging.models import Message
from messaging.services import accept


class HookToken(KeyAuthentication):
    def principal(self, request: Request) -> Sender:
        token = request.parser_context["kwargs"]["token"]
        return auth.sender_by_issued_token(tokens.Kind.HOOK, token)


class HookMessage(Shape):
    """The query string."""

    phone: Phone
    message: Text
    external_id: ExternalId | None = None
    send_after: Time | None = None

    @field_validator("send_after", mode="before")
    @classmethod
    def _restore_plus(cls, value: object) -> object:
        """No time of ours holds a space: it was the `+` of an offset, which the URL's decoder ate."""
        return value.replace(" ", "+") if isinstance(value, str) else value

    def draft(self) -> Draft:
        return Draft(
            phone=self.phone,
            text=self.message,
            external_id=self.external_id,
            send_after=self.send_after,
        )


class HookAnswer(TypedDict):
    id: int
    status: str


class HookViewSet(ApiViewSet):
    authentication_classes = [HookToken]
    status_by_code: ClassVar = {"invalid_key": 404}

    def send(self, request: Request, token: str) -> Response:
        if request.method == "HEAD":  # asks what a GET would answer; must not do what it does
            self.http_method_not_allowed(request)
        sender = sender_of(request)
        query = request.META.get("QUERY_STRING", "").encode("latin-1")
        draft = validated(HookMessage, parse_form(query), sender=sender).draft()
        try:
            return _answer(accept.accept_one(sender, draft), status=201)
        except Refusal as refusal:
            if refusal.code != "duplicate_external_id":
                raise
            assert draft.external_id is not None
            before = selectors.message_of_license(sender.license_id, draft.external_id)
            return _answer(before, status=200)


def _answer(message: Message, *, status: int) -> Response:
    answer: HookAnswer = {"id": message.pk, "status": answers.accepted(message)["status"]}
    return Response(answer, status=status, headers={"Cache-Control": "no-store"})


urlpatterns = [
    re_path(
        r"^hooks/(?P<token>[A-Za-z0-9_-]{1,100})/?$",
        HookViewSet.as_view({"get": "send", "post": "send"}, basename="hooks"),
    )
]
