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
from messaging import answers, selectors, shapes
from messaging.services import accept, opt_outs, owner
from messaging.states import MessageState


class MessageViewSet(ApiViewSet):
    """Send messages, and see what became of them."""

    authentication_classes = [LicenseKey]

    def create(self, request: Request) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            body = validated(shapes.SingleMessage, request.data, sender=sender)
            return Response(answers.accepted(accept.accept_one(sender, body.draft())), status=201)

        return self.write(request, sender.scope, work)

    def bulk(self, request: Request) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            body = validated(shapes.BulkMessages, request.data, sender=sender)
            batch = accept.accept_many(sender, body.items(), all_or_nothing=body.all_or_nothing)
            return Response(answers.batch(batch), status=201)

        return self.write(request, sender.scope, work)

    def list(self, request: Request) -> Response:
        sender = sender_of(request)
        wanted = validated(shapes.MessageQuery, shapes.query(request), sender=sender)
        rows = selectors.messages(sender.account_id, wanted.filter())
        return cursor_page(request, rows, answers.message)

    def retrieve(self, request: Request, message_id: str) -> Response:
        message = selectors.message(sender_of(request).account_id, int(message_id))
        return Response(answers.message_with_timeline(message, selectors.timeline(message)))

    def destroy(self, request: Request, message_id: str) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            message = owner.cancel(sender.account_id, int(message_id))
            # 202: a phone holds it and is asked to give it back
            is_held = message.status == MessageState.LEASED
            return Response(answers.message(message), status=202 if is_held else 200)

        return self.write(request, sender.scope, work)

    def resolve(self, request: Request, message_id: str) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            body = validated(shapes.Resolve, request.data)
            message = owner.resolve(sender.account_id, int(message_id), body.resolution)
            return Response(answers.message(message))

        return self.write(request, sender.scope, work)


# On the routes beside the documented ones an unknown key is 401, as clients expect.
_KEY_UNKNOWN_IS_401 = {"license_not_found": 401}


class InboxViewSet(ApiViewSet):
    """SMS that the account's phones received."""

    authentication_classes = [LicenseKey]
    status_by_code: ClassVar = _KEY_UNKNOWN_IS_401

    def list(self, request: Request) -> Response:
        rows = selectors.inbox(sender_of(request).account_id)
        return cursor_page(request, rows, answers.inbound)


class OptOutViewSet(ApiViewSet):
    """Recipients who want no more messages."""

    authentication_classes = [LicenseKey]
    status_by_code: ClassVar = _KEY_UNKNOWN_IS_401

    def list(self, request: Request) -> Response:
        rows = selectors.opt_outs(sender_of(request).account_id)
        return cursor_page(request, rows, answers.opt_out)

    def create(self, request: Request) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            body = validated(shapes.NewOptOut, request.data, sender=sender)
            row, is_new = opt_outs.opt_out(sender.account_id, body.phone, opt_outs.Source.API)
            return Response(answers.opt_out(row), status=201 if is_new else 200)

        return self.write(request, sender.scope, work)

    def destroy(self, request: Request, phone: str) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            # A short code stands in the list as it is, whatever the licence may send to.
            if not (phone.isdecimal() and opt_outs.opt_in(sender.account_id, phone)):
                body = validated(shapes.NewOptOut, {"phone": phone}, sender=sender)
                if not opt_outs.opt_in(sender.account_id, body.phone):
                    raise Refusal("not_found", "This number has not opted out.")
            return Response(status=204)

        return self.write(request, sender.scope, work)
