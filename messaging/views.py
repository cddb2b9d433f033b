"""The message routes of the native API: shape in, one service or selector, shape out."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.idempotency import idempotent
from http_api.pagination import Page, first_rows, next_page
from http_api.parsing import Decoded
from http_api.reading import read, read_fields
from licenses import daily_limit
from licenses.authentication import LicenseKey
from licenses.scopes import Scope, require
from licenses.viewsets import NativeViewSet
from members.audit import Action
from members.programs import recorded
from messaging import requests, responses, selectors, threads
from messaging.models import Thread
from messaging.services import accept, batches, opt_outs, owner
from messaging.services import threads as thread_services
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


class ThreadViewSet(NativeViewSet):
    """Conversations, and what people have yet to do about them."""

    needs: ClassVar = dict.fromkeys(("list", "retrieve", "partial_update", "messages"), Scope.INBOX)
    authentication_classes = [LicenseKey]
    queries: ClassVar = {"list": requests.ThreadQuery, "messages": requests.TalkQuery}
    status_by_code: ClassVar = _KEY_UNKNOWN_IS_401

    def list(self, request: Request) -> Response:
        wanted = read(request, requests.ThreadQuery)
        rows = threads.threads(
            self.sender.account_id, threads.Show(wanted.show), below=wanted.below
        )
        page, has_more = first_rows(rows.select_related("assignee"), wanted.limit)
        end = threads.Place(page[-1].last_at, page[-1].pk) if has_more else None
        following = next_page(request, "below", str(end)) if end else None
        return Response({"next": following, "results": [responses.thread(one) for one in page]})

    def retrieve(self, request: Request, thread_id: str) -> Response:
        return Response(responses.thread(self._found(thread_id)))

    def _found(self, thread_id: str) -> Thread:
        return threads.thread(self.sender.account_id, int(thread_id))

    @idempotent
    def partial_update(self, request: Request, thread_id: str) -> Response:
        body, found = read(request, requests.ChangedThread), self._found(thread_id)
        with transaction.atomic():
            if body.assignee is not None or body.unassign:
                thread_services.assign(found.account_id, found.pk, body.assignee)
            thread_services.change(
                found.account_id, found.pk, is_unread=body.unread, is_archived=body.archived
            )
        return Response(responses.thread(self._found(thread_id)))

    def messages(self, request: Request, thread_id: str) -> Response:
        require(self.sender.scopes, Scope.READ)
        wanted, found = read(request, requests.TalkQuery), self._found(thread_id)
        talk = threads.talk(found.account_id, found.phone, wanted.below, most=wanted.limit)
        following = next_page(request, "below", str(talk.below)) if talk.below else None
        lines = [responses.line(one) for one in reversed(talk.lines)]
        return Response({"next": following, "results": lines})


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
    @recorded(Action.OPT_OUT_REMOVED)
    def destroy(self, request: Request, phone: str) -> Response:
        named = read_fields(request, {"phone": Decoded(phone)}, requests.OldOptOut)
        if not opt_outs.opt_in(self.sender.account_id, named.phone):
            raise ApiError(ErrorCode.NOT_FOUND, "This number has not opted out.")
        return Response(status=204)
