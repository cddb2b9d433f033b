"""The vendor's API for programs: shape in, one service or selector, its words out."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import QuerySet
from django.urls.converters import UUIDConverter
from rest_framework.request import Request
from rest_framework.response import Response

from dialects.android_sms_gateway import answers, shapes, words
from dialects.android_sms_gateway.authentication import (
    Login,
    RefreshToken,
    issue_pair,
    require_scope,
)
from dialects.base import DialectViewSet, Route
from http_api.errors import Refusal
from http_api.shapes import validated
from licenses import services, tokens
from licenses.auth import Sender, sender_of
from licenses.authentication import bearer
from licenses.models import Device
from messaging import selectors
from messaging.models import Batch
from messaging.services import batches, owner
from messaging.shapes import query


class VendorViewSet(DialectViewSet):
    """Log-in, and the scope that each action asks of a token."""

    dialect = words.DIALECT
    authentication_classes = [Login]
    scopes: ClassVar[dict[str, str]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if scope := self.scopes.get(self.action or ""):
            require_scope(sender_of(request), scope)


class MessageViewSet(VendorViewSet):
    scopes = {
        "create": "messages:send",
        "list": "messages:list",
        "retrieve": "messages:read",
        "destroy": "messages:cancel",
    }

    def create(self, request: Request) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            body = validated(shapes.NewMessage, request.data, sender=sender)
            _check_device(sender, body.device_id)
            sent = batches.send(sender, body.batch(), body.drafts())
            answer = answers.message(sent.batch, sent.messages)
            if _follows_document_002(request):
                return Response(answer)
            where = f"{request.path.rstrip('/')}/{quote(answer['id'], safe='')}"
            return Response(answer, status=202, headers={"Location": where})

        return self.write(request, sender.scope, work)

    def list(self, request: Request) -> Response:
        sender = sender_of(request)
        wanted = validated(shapes.MessageQuery, query(request), sender=sender)
        found = wanted.narrow(selectors.batches(sender.license_id, words.DIALECT.name))
        page = words.PAGE_OF_DOCUMENT_002 if _follows_document_002(request) else words.PAGE
        return Response(
            _shown(list(wanted.page_of(found, page)), has_content=wanted.include_content),
            headers={"X-Total-Count": str(found.count())},
        )

    def retrieve(self, request: Request, message_id: str) -> Response:
        license_id = sender_of(request).license_id
        [shown] = _shown([selectors.batch(license_id, words.DIALECT.name, message_id)])
        return Response(shown)

    def destroy(self, request: Request, message_id: str) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            batch = selectors.batch(sender.license_id, words.DIALECT.name, message_id)
            owner.cancel_batch(batch)
            [shown] = _shown([selectors.batch(sender.license_id, words.DIALECT.name, message_id)])
            return Response(shown)

        return self.write(request, sender.scope, work)


def _follows_document_002(request: Request) -> bool:
    """At its own path the document is right where it differs from the vendor's published API."""
    return request.path.startswith(words.DIALECT.prefixes[0])


def _shown(found: list[Batch], *, has_content: bool = False) -> list[dict[str, Any]]:
    messages = {batch.pk: list(batch.messages.all()) for batch in found}
    devices = selectors.devices_of([m.pk for mine in messages.values() for m in mine])
    return [
        answers.message(batch, messages[batch.pk], devices=devices, has_content=has_content)
        for batch in found
    ]


def _check_device(sender: Sender, wanted: str | None) -> None:
    """Any phone of the licence takes any of its messages: one can be asked for if it is the only one."""
    if wanted is None:
        return
    phones = list(_devices(sender).values_list("pk", flat=True))
    if phones != [shapes.device_id(wanted)]:
        raise Refusal.of_field(
            "deviceId", "leave it out: any phone of this licence sends its messages"
        )


def _devices(sender: Sender) -> QuerySet[Device]:
    return Device.objects.filter(license_id=sender.license_id, revoked_at=None).order_by("pk")


class DeviceViewSet(VendorViewSet):
    scopes = {"list": "devices:list", "destroy": "devices:delete"}

    def list(self, request: Request) -> Response:
        return Response([answers.device(device) for device in _devices(sender_of(request))])

    def destroy(self, request: Request, device_id: str) -> Response:
        """204 also where there is none, as the vendor has it."""
        device = _devices(sender_of(request)).filter(pk=shapes.device_id(device_id)).first()
        if device is not None:
            services.revoke(device)
        return Response(status=204)


class TokenViewSet(VendorViewSet):
    scopes = {"create": "tokens:manage", "destroy": "tokens:manage"}

    def create(self, request: Request) -> Response:
        sender = sender_of(request)
        body = validated(shapes.NewToken, request.data)
        for scope in body.scopes:  # a token makes none that may do more than it may itself
            require_scope(sender, scope)
        return Response(issue_pair(sender, body.scopes, body.lifetime()), status=201)

    def destroy(self, request: Request, token_id: str) -> Response:
        tokens.revoke(sender_of(request).license_id, UUID(token_id))
        return Response(status=204)


class RefreshViewSet(VendorViewSet):
    authentication_classes = [RefreshToken]

    def create(self, request: Request) -> Response:
        sender = sender_of(request)
        if not tokens.use_up(tokens.Kind.REFRESH, bearer(request) or ""):
            raise Refusal("invalid_key", "This refresh token was used before.")
        scopes = sender.scopes or {words.EVERYTHING}
        return Response(issue_pair(sender, scopes, words.ACCESS_LIFETIME), status=201)


class HealthViewSet(VendorViewSet):
    """No key: a client asks before it has one."""

    authentication_classes = []

    def list(self, request: Request) -> Response:
        is_up = _database_answers()
        status = "pass" if is_up else "fail"
        check = {
            "description": "The database answers",
            "observedUnit": "",
            "observedValue": int(is_up),
            "status": status,
        }
        return Response(
            {
                "status": status,
                "version": settings.VERSION,
                "releaseId": 1,
                "checks": {"db:ping": check},
            },
            status=200 if is_up else 503,
        )


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


class NotHereViewSet(VendorViewSet):
    """What these clients can call and this service does not do: never a pretended success."""

    def refuse(self, request: Request, subject: str) -> Response:
        raise Refusal("not_implemented", words.NOT_HERE[subject])


ID = r"(?P<message_id>[^/\0]{1,36})"
_COLLECTION = {"get": "list", "post": "create"}
_REFUSED = dict.fromkeys(("get", "post", "put", "patch", "delete"), "refuse")

# The vendor's npm client says `message`; both are theirs.
ROUTES: tuple[Route, ...] = (
    ("messages?", MessageViewSet, _COLLECTION),
    (r"messages/(?P<subject>inbox)/export", NotHereViewSet, _REFUSED),
    (f"messages?/{ID}", MessageViewSet, {"get": "retrieve", "delete": "destroy"}),
    ("devices?", DeviceViewSet, {"get": "list"}),
    (r"devices?/(?P<device_id>[^/]+)", DeviceViewSet, {"delete": "destroy"}),
    ("auth/token", TokenViewSet, {"post": "create"}),
    ("auth/token/refresh", RefreshViewSet, {"post": "create"}),
    (rf"auth/token/(?P<token_id>{UUIDConverter.regex})", TokenViewSet, {"delete": "destroy"}),
    ("health(?:/(?:live|ready|startup))?", HealthViewSet, {"get": "list"}),
    (rf"(?P<subject>{'|'.join(words.NOT_HERE)})(?:/.+)?", NotHereViewSet, _REFUSED),
)
