"""The vendor's API: shape in, one service or selector, its words out."""

from __future__ import annotations

import datetime as dt
from typing import Any

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE
from rest_framework.request import Request
from rest_framework.response import Response

from dialects.base import DialectViewSet, Route
from dialects.fields import merged
from dialects.massej_li import shapes, words
from http_api.headers import header
from http_api.shapes import validated
from http_api.throttles import throttle
from licenses import auth, limits
from licenses.auth import Sender, sender_of
from licenses.authentication import KeyAuthentication, bearer
from licenses.keys import LICENSE_KEY_LENGTHS
from licenses.models import License
from messaging import selectors
from messaging.drafts import segmented
from messaging.models import Message
from messaging.services import batches
from messaging.states import MessageState


class Key(KeyAuthentication):
    """`X-API-Key` or `Authorization: Bearer`: the long token of a credential, or a licence key."""

    def principal(self, request: Request) -> Sender:
        key = header(request, "X-API-Key") or bearer(request) or ""
        if len(key) in LICENSE_KEY_LENGTHS:
            return auth.sender_by_license_key(key)
        return auth.sender_by_token(key)

    def throttle(self, sender: Sender) -> None:
        super().throttle(sender)
        per_minute = words.REQUESTS_PER_MINUTE
        key = f"credential {sender.credential_id}" if sender.credential_id else sender.scope
        name = f"{words.DIALECT.name}:{key}"
        throttle(name, per_minute, burst=per_minute, whose="An API key")


class VendorViewSet(DialectViewSet):
    dialect = words.DIALECT
    authentication_classes = [Key]


class SendViewSet(VendorViewSet):
    def single(self, request: Request) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            wanted = validated(shapes.NewSms, merged(request), sender=sender)
            batch = shapes.batch(wanted.sender_id)
            message = batches.send_single(sender, batch, wanted.draft())
            data = {
                "message_id": message.pk,
                "cost": _cost(message.parts),
                "balance": _balance(sender),
            }
            return Response(_success(data, message=words.SENT), status=201)

        return self.write(request, sender.scope, work)

    def bulk(self, request: Request) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            wanted = validated(shapes.NewBulk, merged(request), sender=sender)
            sent = batches.send(sender, shapes.batch(wanted.sender_id), wanted.drafts())
            data = _bulk(sent.messages) | {"balance": _balance(sender)}
            return Response(_success(data, message=words.SENT_BULK), status=201)

        return self.write(request, sender.scope, work)


def _success(data: Any, **more: Any) -> dict[str, Any]:
    return {"success": True, **more, "data": data}


def _cost(parts: int) -> float:
    return parts * words.PRICE


def _balance(sender: Sender) -> float:
    remaining = limits.remaining(sender)
    return float(words.UNLIMITED if remaining is None else remaining)


def _state(message: Message) -> str:
    return words.STATES[MessageState(message.status)]


def _bulk(messages: list[Message]) -> dict[str, Any]:
    """Who has opted out has failed, and costs nothing. (guess)"""
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
    def balance(self, request: Request) -> Response:
        data = {"balance": _balance(sender_of(request)), "currency": words.CURRENCY}
        return Response(_success(data))

    def account(self, request: Request) -> Response:
        """The body is a guess."""
        sender = sender_of(request)
        found = selectors.messages_of_batches(sender.license_id, words.DIALECT.name)
        by_state = selectors.count_by_state(found)

        def count(word: str) -> int:
            return sum(n for state, n in by_state.items() if words.STATES[state] == word)

        license = License.objects.select_related("account").get(pk=sender.license_id)
        data = {
            "username": license.account.name,
            "status": words.ACTIVE,
            "balance": _balance(sender),
            "stats": {
                "total": sum(by_state.values()),
                "delivered": count("delivered"),
                "failed": count("failed"),
            },
        }
        return Response(_success(data))


class LogViewSet(VendorViewSet):
    """What this licence has sent in this dialect, newest first. The items are a guess."""

    def list(self, request: Request) -> Response:
        sender = sender_of(request)
        wanted = validated(shapes.LogQuery, merged(request), sender=sender)
        found = selectors.messages_of_batches(sender.license_id, words.DIALECT.name)
        found = found.filter(**wanted.filters())
        total = found.count()
        first = (wanted.page - 1) * wanted.per_page
        rows = found.order_by("-pk")[first : first + wanted.per_page]
        pagination = {
            "page": wanted.page,
            "per_page": wanted.per_page,
            "total": total,
            "total_pages": -(-total // wanted.per_page),
        }
        shown = [_logged(message, sender) for message in rows]
        return Response(_success(shown) | {"pagination": pagination})


def _logged(message: Message, sender: Sender) -> dict[str, Any]:
    assert message.batch is not None

    def local(at: dt.datetime | None) -> str | None:
        return at.astimezone(sender.zone).strftime("%Y-%m-%d %H:%M:%S") if at else None

    return {
        "message_id": message.pk,
        "to": message.phone,
        "message": message.text,
        "sender_id": message.batch.details.get("sender_id", words.SENDER),
        "status": _state(message),
        "cost": _cost(message.parts),
        "created_at": local(message.created_at),
        "schedule_time": local(message.send_after),
        "sent_at": local(message.sent_at),
        "delivered_at": local(message.delivered_at),
    }


class PriceViewSet(VendorViewSet):
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
        """The body is a guess."""
        sender = sender_of(request)
        wanted = validated(shapes.Calculation, merged(request), sender=sender)
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
