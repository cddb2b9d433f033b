"""`token`, in the query string, a form or JSON: the long token of an API credential."""

from __future__ import annotations

from rest_framework.request import Request

from dialects.base import DialectKey
from dialects.params import params
from licenses import lookup
from licenses.sender import Sender


class Token(DialectKey):
    def principal(self, request: Request) -> Sender:
        token = params(request).get("token")
        return lookup.sender_by_token(token if isinstance(token, str) else "")
