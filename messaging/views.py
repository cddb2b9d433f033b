"""The message routes of the native API: shape in, one service or selector, shape out."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.idempotency import idempotent
from http_api.pagination import Page
from http_api.parsing import Decoded
from http_api.reading import read, read_fields
from licenses import daily_limit
from licenses.authentication import LicenseKey
from licenses.scopes import Scope
from licenses.viewsets import NativeViewSet
from messaging import requests, responses, selectors
from messaging.services import accept, batches, opt_outs, owner
from messaging.states import MessageState


class MessageViewSet(NativeViewSet):
    """Send messages, and see what became of them."""

    authentication_classes = [LicenseKey]
    queries: ClassVar = {"list": requests.MessageQuery}
    needs: ClassVar = {
        "create": Scope.SEND, "bulk": Scope.SEND, "preview": Scope.SEND, "list": Scope.READ,
        "retrieve": Scope.READ, "destroy": Scope.MANAGE, "resolve": Scope.MANAGE,
    }  # fmt: skip

    @idempotent
    def create(self, request: Request) -> Response:
        body = read(request, requests.SingleMessage)
        batch = batches.told_at(self.sender, body.callback_url)
        message = accept.accept(self.sender, [body.draft()], accept.REFUSE, batch=batch).only
        return Response(responses.accepted(message), status=201)

    @idempotent
    def bulk(self, request: Request) -> Response:
        body = read(request, requests.BulkMessages)
        policy = accept.ALL_OR_NOTHING if body.all_or_nothing else accept.LEAVE_OUT
        batch = batches.told_at(self.sender, body.callback_url)
        result = accept.accept(self.sender, body.items(), policy, batch=batch)
        return Response(responses.batch(result), status=201)

    def preview(self, request: Request) -> Response:
        draft = read(request, requests.SingleMessage).draft()
        judged = accept.preview(self.sender, draft)
        return Response(responses.preview(draft, judged, daily_limit.remaining(self.sender)))

    def list(self, request: Request) -> Response:
        wanted = read(request, requests.MessageQuery)
        asked_for = wanted.filter()
        rows = selectors.messages(self.sender.account_id, asked_for)
        walked = selectors.walked_messages(self.sender.account_id, asked_for)
        return wanted.of(rows, request, responses.message, walked=walked)

    def retrieve(self, request: Request, message_id: str) -> Response:
        message = selectors.message(self.sender.account_id, int(message_id))
        return Response(responses.message_with_timeline(message, selectors.timeline(message)))

    @idempotent
    def destroy(self, request: Request, message_id: str) -> Response:
        message = owner.cancel(self.sender.account_id, int(message_id))
        # 202: a phone holds it and is asked to give it back
        is_held = message.status == MessageState.LEASED
        return Response(responses.message(message), status=202 if is_held else 200)

    @idempotent
    def resolve(self, request: Request, message_id: str) -> Response:
        body = read(request, requests.Resolve)
        message = owner.resolve(self.sender.account_id, int(message_id), body.resolution)
        return Response(responses.message(message))


# On the routes beside the documented ones an unknown key is 401, as clients expect.
_KEY_UNKNOWN_IS_401 = {ErrorCode.LICENSE_NOT_FOUND: 401}


class InboxViewSet(NativeViewSet):
    """SMS that the account's phones received."""

    needs: ClassVar = {"list": Scope.INBOX}

    authentication_classes = [LicenseKey]
    queries: ClassVar = {"list": requests.InboxQuery}
    status_by_code: ClassVar = _KEY_UNKNOWN_IS_401

    def list(self, request: Request) -> Response:
        wanted = read(request, requests.InboxQuery)
        asked_for = wanted.filter()
        rows = selectors.inbox(self.sender.account_id, asked_for)
        of_any = None
        if asked_for.device is not None:
            of_any = selectors.inbox(self.sender.account_id, replace(asked_for, device=None))
        return wanted.of(rows, request, responses.inbound, long_text="text", walked=of_any)


class OptOutViewSet(NativeViewSet):
    """Recipients who want no more messages."""

    needs: ClassVar = {"list": Scope.CONTACTS, "create": Scope.CONTACTS, "destroy": Scope.MANAGE}
    authentication_classes = [LicenseKey]
    queries: ClassVar = {"list": Page}
    status_by_code: ClassVar = _KEY_UNKNOWN_IS_401

    def list(self, request: Request) -> Response:
        rows = selectors.opt_outs(self.sender.account_id)
        return read(request, Page).of(rows, request, responses.opt_out)

    @idempotent
    def create(self, request: Request) -> Response:
        body = read(request, requests.NewOptOut)
        row, is_new = opt_outs.opt_out(self.sender.account_id, body.phone, opt_outs.Source.API)
        return Response(responses.opt_out(row), status=201 if is_new else 200)

    @idempotent
    def destroy(self, request: Request, phone: str) -> Response:
        named = read_fields(request, {"phone": Decoded(phone)}, requests.OldOptOut)
        if not opt_outs.opt_in(self.sender.account_id, named.phone):
            raise ApiError(ErrorCode.NOT_FOUND, "This number has not opted out.")
        return Response(status=204)
