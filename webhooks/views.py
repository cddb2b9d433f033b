"""The webhook routes: shape in, one service or selector, shape out."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from http_api.error_codes import ErrorCode
from http_api.idempotency import idempotent
from http_api.pagination import Page
from http_api.reading import read
from licenses.authentication import LicenseKey
from licenses.scopes import Scope
from licenses.viewsets import NativeViewSet
from members.audit import Action
from members.programs import recorded
from outbox.types import EventType
from webhooks import allowed, endpoints, feed, requests, responses
from webhooks.bodies import bodies
from webhooks.models import Endpoint

# Where the WSGI environ says for how many seconds a request that found nothing would rather wait.
WAIT_SECONDS = "smsgate.wait_seconds"

_KEY_UNKNOWN_IS_401 = {ErrorCode.LICENSE_NOT_FOUND: 401}


class WebhookViewSet(NativeViewSet):
    """Receivers of an account's events. They hear what `read`, `inbox` and `contacts` show."""

    authentication_classes = [LicenseKey]
    queries: ClassVar = {"list": Page, "deliveries": requests.DeliveryQuery}
    status_by_code: ClassVar = _KEY_UNKNOWN_IS_401
    needs: ClassVar = {
        "list": Scope.MANAGE, "create": Scope.MANAGE, "retrieve": Scope.MANAGE,
        "partial_update": Scope.MANAGE, "destroy": Scope.MANAGE, "test": Scope.MANAGE,
        "rotate": Scope.MANAGE, "deliveries": Scope.MANAGE, "replay": Scope.MANAGE,
        "replay_failed": Scope.MANAGE,
    }  # fmt: skip

    def list(self, request: Request) -> Response:
        rows = endpoints.endpoints(self.sender.account_id)
        return read(request, Page).of(rows, request, responses.endpoint)

    @idempotent
    @recorded(Action.WEBHOOK_MADE, again=Action.WEBHOOK_CHANGED)
    def create(self, request: Request) -> Response:
        body = read(request, requests.NewEndpoint)
        allowed.require(self.sender, body.events)
        row, is_new = endpoints.subscribe(
            self.sender,
            body.url,
            name=body.name,
            event_types=body.events,
            only_license=body.license == "own",
        )
        return Response(responses.endpoint_with_secret(row), status=201 if is_new else 200)

    def retrieve(self, request: Request, endpoint_id: str) -> Response:
        return Response(responses.endpoint_with_secret(self._endpoint(endpoint_id)))

    @idempotent
    @recorded(Action.WEBHOOK_CHANGED)
    def partial_update(self, request: Request, endpoint_id: str) -> Response:
        row = self._endpoint(endpoint_id)
        body = read(request, requests.ChangedEndpoint)
        told = [EventType(each) for each in row.event_types] if body.events is None else body.events
        allowed.require(self.sender, told)
        endpoints.change(row, body.changes(self.sender.license_id))
        return Response(responses.endpoint(row))

    @idempotent
    @recorded(Action.WEBHOOK_DELETED)
    def destroy(self, request: Request, endpoint_id: str) -> Response:
        endpoints.delete(self._endpoint(endpoint_id))
        return Response(status=204)

    @idempotent
    @recorded(Action.WEBHOOK_TESTED)
    def test(self, request: Request, endpoint_id: str) -> Response:
        row = self._endpoint(endpoint_id)
        endpoints.test(row)
        return Response(responses.endpoint(row), status=202)

    @idempotent
    @recorded(Action.WEBHOOK_CHANGED)
    def rotate(self, request: Request, endpoint_id: str) -> Response:
        row = self._endpoint(endpoint_id)
        endpoints.rotate(row)
        return Response(responses.endpoint_with_secret(row))

    def deliveries(self, request: Request, endpoint_id: str) -> Response:
        row = self._endpoint(endpoint_id)
        wanted = read(request, requests.DeliveryQuery)
        rows = endpoints.deliveries(row, allowed.of(self.sender), wanted.state)
        return wanted.of(rows, request, responses.delivery)

    @idempotent
    @recorded(Action.WEBHOOK_REPLAYED)
    def replay(self, request: Request, endpoint_id: str, delivery_id: str) -> Response:
        types = allowed.of(self.sender)
        row = endpoints.replay(self._endpoint(endpoint_id), int(delivery_id), types)
        return Response(responses.delivery(row), status=202)

    @idempotent
    @recorded(Action.WEBHOOK_REPLAYED)
    def replay_failed(self, request: Request, endpoint_id: str) -> Response:
        row = self._endpoint(endpoint_id)
        since = read(request, requests.Replay).since.at
        answer: responses.Replayed = {"replayed_count": endpoints.replay_failed(row, since)}
        return Response(answer, status=202)

    def _endpoint(self, endpoint_id: str) -> Endpoint:
        return endpoints.endpoint(self.sender.account_id, int(endpoint_id))


class EventViewSet(NativeViewSet):
    """The feed. Of what a key may not read it has nothing."""

    authentication_classes = [LicenseKey]
    queries: ClassVar = {"list": requests.EventQuery}
    status_by_code: ClassVar = _KEY_UNKNOWN_IS_401
    needs: ClassVar = {"list": Scope.ANY}

    def list(self, request: Request) -> Response:
        wanted = read(request, requests.EventQuery)
        account_id = self.sender.account_id
        start = feed.newest(account_id) if wanted.after is None else wanted.after
        types = allowed.of(self.sender, wanted.type)
        found, after = feed.events(account_id, after=start, types=types, limit=wanted.limit)
        if not found:
            request.META[WAIT_SECONDS] = wanted.wait
        answer: responses.EventPage = {"after": after, "results": bodies(account_id, found)}
        return Response(answer)
