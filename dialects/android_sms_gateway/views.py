"""The vendor's API for programs: shape in, one service or selector, its words out."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection
from django.urls.converters import UUIDConverter
from rest_framework.request import Request
from rest_framework.response import Response

from dialects.android_sms_gateway import requests, responses, words
from dialects.android_sms_gateway import selectors as vendor_selectors
from dialects.android_sms_gateway.authentication import (
    Login,
    RefreshToken,
    issue_pair,
    require_scope,
)
from dialects.base import DialectViewSet, Route
from dialects.params import read
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.idempotency import idempotent
from licenses import services, tokens
from licenses.authentication import bearer
from licenses.scopes import Scope
from licenses.selectors import paired_devices
from licenses.sender import Sender
from messaging import selectors
from messaging.models import Batch
from messaging.services import batches, owner


class VendorViewSet(DialectViewSet):
    """Log-in, and the scope that each action asks of a token."""

    authentication_classes = [Login]
    scopes: ClassVar[dict[str, str]] = {}  # the vendor's

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if scope := self.scopes.get(self.action or ""):
            require_scope(self.sender, scope)


class MessageViewSet(VendorViewSet):
    needs = {
        "create": Scope.SEND, "list": Scope.READ, "retrieve": Scope.READ, "destroy": Scope.MANAGE,
    }  # fmt: skip
    scopes = {
        "create": "messages:send",
        "list": "messages:list",
        "retrieve": "messages:read",
        "destroy": "messages:cancel",
    }

    @idempotent
    def create(self, request: Request) -> Response:
        shape = read(request, requests.SendQuery).body
        sender, body = self.sender, read(request, shape)
        _check_device(sender, body.device_id)
        batch = body.batch()
        result = batches.send(sender, batch, body.drafts())
        answer = responses.message(batch, result.created)
        if _is_private_path(request):
            return Response(answer)
        where = f"{request.path.rstrip('/')}/{quote(answer['id'], safe='')}"
        return Response(answer, status=202, headers={"Location": where})

    def list(self, request: Request) -> Response:
        wanted = read(request, requests.MessageQuery)
        size = words.PRIVATE_PAGE if _is_private_path(request) else words.PAGE
        found, total = vendor_selectors.page(self.sender, wanted, size)
        return Response(
            _shown(found, has_content=wanted.include_content),
            headers={"X-Total-Count": str(total)},
        )

    def retrieve(self, request: Request, message_id: str) -> Response:
        license_id = self.sender.license_id
        [shown] = _shown([selectors.batch(license_id, words.NAME, message_id)])
        return Response(shown)

    @idempotent
    def destroy(self, request: Request, message_id: str) -> Response:
        batch = selectors.batch(self.sender.license_id, words.NAME, message_id)
        owner.cancel_batch(batch)
        [shown] = _shown([selectors.batch(self.sender.license_id, words.NAME, message_id)])
        return Response(shown)


def _is_private_path(request: Request) -> bool:
    """True at the path of the private server, whose documentation differs from the published API."""
    return request.path.startswith(words.PRIVATE_PATH)


def _shown(found: list[Batch], *, has_content: bool = False) -> list[dict[str, Any]]:
    messages = {batch.pk: list(batch.messages.all()) for batch in found}
    devices = selectors.devices_of([m.pk for mine in messages.values() for m in mine])
    return [
        responses.message(batch, messages[batch.pk], devices=devices, has_content=has_content)
        for batch in found
    ]


def _check_device(sender: Sender, wanted: str | None) -> None:
    """Any phone of the licence takes any of its messages: one can be asked for if it is the only one."""
    if wanted is None:
        return
    phones = list(paired_devices(sender).values_list("pk", flat=True))
    if phones != [requests.device_id(wanted)]:
        raise ApiError.of_field(
            "deviceId", "leave it out: any phone of this licence sends its messages"
        )


class DeviceViewSet(VendorViewSet):
    needs = {"list": Scope.READ, "destroy": Scope.MANAGE}
    scopes = {"list": "devices:list", "destroy": "devices:delete"}

    def list(self, request: Request) -> Response:
        return Response([responses.device(device) for device in paired_devices(self.sender)])

    def destroy(self, request: Request, device_id: str) -> Response:
        """204 also where there is none, as the vendor has it."""
        device = paired_devices(self.sender).filter(pk=requests.device_id(device_id)).first()
        if device is not None:
            services.revoke(device)
        return Response(status=204)


class TokenViewSet(VendorViewSet):
    needs = {"create": Scope.ANY, "destroy": Scope.ANY}  # a token has its licence's scopes
    scopes = {"create": "tokens:manage", "destroy": "tokens:manage"}

    def create(self, request: Request) -> Response:
        sender = self.sender
        body = read(request, requests.NewToken)
        for scope in body.scopes:  # a token makes none that may do more than it may itself
            require_scope(sender, scope)
        return Response(issue_pair(sender, body.scopes, body.lifetime()), status=201)

    def destroy(self, request: Request, token_id: str) -> Response:
        tokens.revoke(self.sender.license_id, UUID(token_id))
        return Response(status=204)


class RefreshViewSet(VendorViewSet):
    needs = {"create": Scope.ANY}
    authentication_classes = [RefreshToken]

    def create(self, request: Request) -> Response:
        sender = self.sender
        if not tokens.consume(tokens.Kind.REFRESH, bearer(request) or ""):
            raise ApiError(ErrorCode.INVALID_KEY, "This refresh token was used before.")
        scopes = sender.token_scopes or {words.EVERYTHING}
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
    """Calls that this service does not do: never a pretended success."""

    needs = {"refuse": Scope.ANY}

    def refuse(self, request: Request, subject: str) -> Response:
        raise ApiError(ErrorCode.NOT_IMPLEMENTED, words.NOT_HERE[subject])


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
