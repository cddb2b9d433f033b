"""The routes about persons: all that is kept of one, and its erasure. Numbers stand in no address."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from contacts.services import name_of
from http_api.error_codes import ErrorCode
from http_api.idempotency import idempotent
from http_api.pagination import Page
from http_api.reading import read
from licenses.authentication import KeyPair
from licenses.scopes import Scope, require
from licenses.viewsets import NativeViewSet
from members.audit import Action
from members.programs import recorded
from privacy import erasing, exporting, requests, responses

_ALWAYS_401 = {
    ErrorCode.INVALID_KEY: 401,
    ErrorCode.LICENSE_INACTIVE: 401,
    ErrorCode.SUBSCRIPTION_EXPIRED: 401,
}


class PersonViewSet(NativeViewSet):
    """All that is kept of one person."""

    needs: ClassVar = {"export": Scope.MANAGE}
    authentication_classes = [KeyPair]
    status_by_code: ClassVar = _ALWAYS_401

    @recorded(Action.PERSON_EXPORTED)
    def export(self, request: Request) -> Response:
        for scope in (Scope.READ, Scope.INBOX, Scope.CONTACTS):
            require(self.sender.scopes, scope)
        phone = read(request, requests.OfPerson).phone
        return Response(exporting.collect(self.sender.account_id, phone))


class ErasureViewSet(NativeViewSet):
    """People who are erased."""

    needs: ClassVar = dict.fromkeys(("create", "list", "retrieve"), Scope.MANAGE)
    queries: ClassVar = {"list": Page}
    authentication_classes = [KeyPair]
    status_by_code: ClassVar = _ALWAYS_401

    @idempotent
    @recorded(Action.PERSON_ERASED)
    def create(self, request: Request) -> Response:
        phone, by = read(request, requests.OfPerson).phone, name_of(self.sender)
        begun = erasing.erase(self.sender.account_id, phone, by=by)
        return Response(responses.erasure(begun), status=202)

    def list(self, request: Request) -> Response:
        rows = erasing.erasures(self.sender.account_id)
        return read(request, Page).of(rows, request, responses.erasure)

    def retrieve(self, request: Request, erasure_id: str) -> Response:
        return Response(responses.erasure(erasing.find(self.sender.account_id, int(erasure_id))))
