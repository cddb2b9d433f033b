"""`token`, in the query string, a form or JSON: the long token of an API credential."""

from __future__ import annotations

from rest_framework.request import Request

from dialects.fields import merged
from licenses import auth
from licenses.auth import Sender
from licenses.authentication import KeyAuthentication


class Token(KeyAuthentication):
    def principal(self, request: Request) -> Sender:
        token = merged(request).get("token")
        return auth.sender_by_token(token if isinstance(token, str) else "")
