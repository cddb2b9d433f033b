"""Log in, and what an account may still send. Text answers end without a newline: clients put what
they split off straight into a header."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from dialects.base import DialectViewSet
from dialects.params import read
from dialects.smsend import words
from dialects.smsend.authentication import (
    LogIn,
    access_token,
    credentials,
    is_logged_in,
    new_session,
)
from dialects.smsend.base import VendorViewSet, credits_left
from dialects.smsend.requests import Body
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.shapes import Boolean
from licenses.scopes import Scope


def _text(content: str) -> HttpResponse:
    headers = {"Cache-Control": "no-store"}
    return HttpResponse(content, content_type="text/plain; charset=utf-8", headers=headers)


class LogInViewSet(DialectViewSet):
    """`user_key;Session_key` or `user_key;Access_token`."""

    authentication_classes = [LogIn]
    needs: ClassVar = {"session": Scope.ANY, "token": Scope.ANY}
    status_by_code: ClassVar = {ErrorCode.INVALID_KEY: 404}

    def session(self, request: Request) -> HttpResponse:
        sender = self.sender
        return _text(f"{sender.account_id};{new_session(sender)}")

    def token(self, request: Request) -> HttpResponse:
        sender = self.sender
        _, password = credentials(request)
        return _text(f"{sender.account_id};{access_token(sender, password)}")


class SessionViewSet(DialectViewSet):
    """No authentication class: a session that has ended is an answer here, no refusal."""

    authentication_classes = []

    def check(self, request: Request) -> HttpResponse:
        return _text("true" if is_logged_in(request) else "false")


class StatusQuery(Body):
    type_aliases: Boolean = False


class AccountViewSet(VendorViewSet):
    needs = dict.fromkeys(("status", "dashboard", "reset_password"), Scope.ANY)

    def status(self, request: Request) -> Response:
        wanted, left = read(request, StatusQuery), credits_left(self.sender)
        types = words.CREDITS_BY_ALIAS if wanted.type_aliases else words.CREDITS
        return Response(
            {
                "money": None,
                "sms": [{"type": name, "quantity": left} for name in types],
                "email": {"bandwidth": 0.0, "purchased": "", "billing": "", "expiry": ""},
            }
        )

    def dashboard(self, request: Request) -> HttpResponse:
        return _text(f"{settings.PUBLIC_URL}/admin/")

    def reset_password(self, request: Request) -> HttpResponse:
        """Never done: a password of the client's choosing would be weaker than the one we make."""
        return _text("false")


class NotHereViewSet(VendorViewSet):
    """Calls that this service does not do: never a pretended success."""

    needs = {"refuse": Scope.ANY}

    def refuse(self, request: Request, subject: str) -> Response:
        raise ApiError(ErrorCode.NOT_IMPLEMENTED, words.NOT_HERE[subject])
