"""The vendor's API: shape in, one service or selector, its words out."""

from __future__ import annotations

from typing import Any

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE
from rest_framework.request import Request
from rest_framework.response import Response

from dialects.base import DialectKey, DialectViewSet, Route
from dialects.massej_li import requests, words
from dialects.massej_li.selectors import figures, log
from dialects.params import read
from http_api.headers import header
from http_api.idempotency import idempotent
from http_api.times import local_or_none
from licenses import daily_limit, lookup
from licenses import selectors as licenses
from licenses.authentication import bearer
from licenses.keys import LICENSE_KEY_LENGTHS
from licenses.scopes import Scope
from licenses.sender import Sender
from messaging.drafts import segmented
from messaging.models import Message
from messaging.services import batches
from messaging.states import MessageState


class Key(DialectKey):
    """`X-API-Key` or `Authorization: Bearer`: the long token of a credential, or a licence key."""

    def principal(self, request: Request) -> Sender:
        key = header(request, "X-API-Key") or bearer(request) or ""
        if len(key) in LICENSE_KEY_LENGTHS:
            return lookup.sender_by_license_key(key)
        return lookup.sender_by_token(key)


class VendorViewSet(DialectViewSet):
    authentication_classes = [Key]


class SendViewSet(VendorViewSet):
    needs = {"single": Scope.SEND, "bulk": Scope.SEND}

    @idempotent
    def single(self, request: Request) -> Response:
        wanted = read(request, requests.NewSms)
        batch = requests.batch(wanted.sender_id)
        message = batches.send_single(self.sender, batch, wanted.draft())
        data = {
            "message_id": message.pk,
            "cost": _cost(message.parts),
            "balance": _balance(self.sender),
        }
        return Response(_success(data, message=words.SENT), status=201)

    @idempotent
    def bulk(self, request: Request) -> Response:
        wanted = read(request, requests.NewBulk)
        result = batches.send(self.sender, requests.batch(wanted.sender_id), wanted.drafts())
        data = _bulk(result.created) | {"balance": _balance(self.sender)}
        return Response(_success(data, message=words.SENT_BULK), status=201)


def _success(data: Any, **more: Any) -> dict[str, Any]:
    return {"success": True, **more, "data": data}


def _cost(parts: int) -> float:
    return parts * words.PRICE


def _balance(sender: Sender) -> float:
    remaining = daily_limit.remaining(sender)
    return float(words.UNLIMITED if remaining is None else remaining)


def _state(message: Message) -> str:
    return words.STATES[MessageState(message.status)]


def _bulk(messages: list[Message]) -> dict[str, Any]:
    """Format the result of a bulk. An opted-out recipient has failed and costs nothing. (guess)"""
    queued = [message for message in messages if _state(message) != "failed"]
    return {
        "total": len(messages),
        "sent": len(queued),
        "failed": len(messages) - len(queued),
        "cost": _cost(sum(message.parts for message in queued)),
        "results": [
            {"to": message.phone, "message_id": message.pk, "status": _state(message)}
            for message in messages
        ],
    }


class AccountViewSet(VendorViewSet):
    needs = {"balance": Scope.ANY, "account": Scope.ANY}

    def balance(self, request: Request) -> Response:
        data = {"balance": _balance(self.sender), "currency": words.CURRENCY}
        return Response(_success(data))

    def account(self, request: Request) -> Response:
        """Answer the account with its balance and its licence's figures. (guess)"""
        sender = self.sender
        data = {
            "username": licenses.account(sender).name,
            "status": words.ACTIVE,
            "balance": _balance(sender),
            "stats": figures(sender),
        }
        return Response(_success(data))


class LogViewSet(VendorViewSet):
    """The messages that this licence has sent in this dialect, newest first. The items are a guess."""

    needs = {"list": Scope.READ}

    def list(self, request: Request) -> Response:
        sender = self.sender
        wanted = read(request, requests.LogQuery)
        found, total = log(sender, wanted)
        pagination = {
            "page": wanted.page,
            "per_page": wanted.per_page,
            "total": total,
            "total_pages": -(-total // wanted.per_page),
        }
        shown = [_logged(message, sender) for message in found]
        return Response(_success(shown) | {"pagination": pagination})


def _logged(message: Message, sender: Sender) -> dict[str, Any]:
    return {
        "message_id": message.pk,
        "to": message.phone,
        "message": message.text,
        "sender_id": message.its_batch.details.get("sender_id", words.SENDER),
        "status": _state(message),
        "cost": _cost(message.parts),
        "created_at": local_or_none(message.created_at, sender.zone),
        "schedule_time": local_or_none(message.send_after, sender.zone),
        "sent_at": local_or_none(message.sent_at, sender.zone),
        "delivered_at": local_or_none(message.delivered_at, sender.zone),
    }


class PriceViewSet(VendorViewSet):
    needs = {"pricing": Scope.ANY, "calculate": Scope.ANY}

    def pricing(self, request: Request) -> Response:
        """Every country that a number can belong to. The rows are a guess."""
        rows = [
            {
                "country_code": region,
                "prefix": str(prefix),
                "price": words.PRICE,
                "currency": words.CURRENCY,
            }
            for prefix, regions in COUNTRY_CODE_TO_REGION_CODE.items()
            for region in regions
            if region.isalpha()  # 001 is no country
        ]
        return Response(_success(rows, note=words.PRICE_NOTE))

    def calculate(self, request: Request) -> Response:
        """Answer the parts and the cost of a message, sending nothing. (guess)"""
        wanted = read(request, requests.Calculation)
        parts = segmented(wanted.message).parts
        data = {
            "recipients": wanted.recipients_count,
            "parts": parts,
            "cost": _cost(parts * wanted.recipients_count),
            "currency": words.CURRENCY,
        }
        return Response(_success(data))


# Of some paths the document's stored copies do not say the name: each likely one answers. (guess)
ROUTES: tuple[Route, ...] = (
    ("send", SendViewSet, {"post": "single"}),
    ("send-bulk", SendViewSet, {"post": "bulk"}),
    ("balance", AccountViewSet, {"get": "balance"}),
    ("(?:logs|history)", LogViewSet, {"get": "list"}),
    ("pricing", PriceViewSet, {"get": "pricing"}),
    ("(?:calculate(?:-cost)?|estimate)", PriceViewSet, {"post": "calculate"}),
    ("account", AccountViewSet, {"get": "account"}),
)
