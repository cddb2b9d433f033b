"""The message routes of the native API: shape in, one service or selector, shape out."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from http_api.errors import Refusal
from http_api.pagination import cursor_page
from http_api.shapes import validated
from http_api.views import ApiViewSet
from licenses.auth import sender_of
from licenses.authentication import LicenseKey
from messaging import selectors, shapes
from messaging.services import accept, opt_outs, owner
from messaging.states import MessageState


class MessageViewSet(ApiViewSet):
    """Send messages, and see what became of them."""

    authentication_classes = [LicenseKey]

    def create(self, request: Request) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            body = validated(shapes.SingleMessage, request.data, sender=sender)
            return Response(shapes.accepted(accept.accept_one(sender, body.draft())), status=201)

        return self.write(request, sender.scope, work)

    def bulk(self, request: Request) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            body = validated(shapes.BulkMessages, request.data, sender=sender)
            batch = accept.accept_many(sender, body.items(), all_or_nothing=body.all_or_nothing)
            return Response(shapes.batch_answer(batch), status=201)

        return self.write(request, sender.scope, work)

    def list(self, request: Request) -> Response:
        sender = sender_of(request)
        wanted = validated(shapes.MessageQuery, shapes.query(request), sender=sender)
        rows = selectors.messages(sender.account_id, wanted.filter())
        return cursor_page(request, rows, shapes.message_read)

    def retrieve(self, request: Request, pk: str) -> Response:
        message = selectors.message(sender_of(request).account_id, int(pk))
        return Response(shapes.message_with_timeline(message, selectors.timeline(message)))

    def destroy(self, request: Request, pk: str) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            message = owner.cancel(sender.account_id, int(pk))
            # 202: a phone holds it and is asked to give it back
            is_held = message.status == MessageState.LEASED
            return Response(shapes.message_read(message), status=202 if is_held else 200)

        return self.write(request, sender.scope, work)

    def resolve(self, request: Request, pk: str) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            body = validated(shapes.Resolve, request.data)
            message = owner.resolve(sender.account_id, int(pk), body.resolution)
            return Response(shapes.message_read(message))

        return self.write(request, sender.scope, work)


# On the routes beside the documented ones an unknown key is 401, as clients expect.
_KEY_UNKNOWN_IS_401 = {"license_not_found": 401}


class InboxViewSet(ApiViewSet):
    """SMS that the account's phones received."""

    authentication_classes = [LicenseKey]
    status_by_code: ClassVar = _KEY_UNKNOWN_IS_401

    def list(self, request: Request) -> Response:
        rows = selectors.inbox(sender_of(request).account_id)
        return cursor_page(request, rows, shapes.inbound_read)


class OptOutViewSet(ApiViewSet):
    """Recipients who want no more messages."""

    authentication_classes = [LicenseKey]
    status_by_code: ClassVar = _KEY_UNKNOWN_IS_401

    def list(self, request: Request) -> Response:
        rows = selectors.opt_outs(sender_of(request).account_id)
        return cursor_page(request, rows, shapes.opt_out_read)

    def create(self, request: Request) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            body = validated(shapes.NewOptOut, request.data, sender=sender)
            row, is_new = opt_outs.opt_out(sender.account_id, body.phone, opt_outs.Source.API)
            return Response(shapes.opt_out_read(row), status=201 if is_new else 200)

        return self.write(request, sender.scope, work)

    def destroy(self, request: Request, pk: str) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            # A short code stands in the list as it is, whatever the licence may send to.
            if not (pk.isdecimal() and opt_outs.opt_in(sender.account_id, pk)):
                body = validated(shapes.NewOptOut, {"phone": pk}, sender=sender)
                if not opt_outs.opt_in(sender.account_id, body.phone):
                    raise Refusal("not_found", "This number has not opted out.")
            return Response(status=204)

        return self.write(request, sender.scope, work)
