"""One-time PINs: made here, sent as an SMS like every other, known only as a digest until they end."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, cast

import redis
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from dialects.params import read
from dialects.smsend import words
from dialects.smsend.base import VendorViewSet
from dialects.smsend.requests import Body
from http_api import clock
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.idempotency import idempotent
from http_api.redis import with_redis
from http_api.shapes import Identifier, Integer
from licenses import keys
from licenses.scopes import Scope
from licenses.sender import Sender
from messaging.drafts import ClientTime, Draft
from messaging.fields import Phone, Text
from messaging.services import accept

# Compare the PIN that was typed with the open one, which a right one and the last try end. Return what
# came of it, and how many tries are left. KEYS[1] PIN · ARGV[1] digest of the PIN that was typed.
_VERIFY = """
local state = redis.call('HMGET', KEYS[1], 'digest', 'tries')
if not state[1] then return {'none', 0} end
if state[1] == ARGV[1] then redis.call('DEL', KEYS[1]) return {'right', 0} end
local left = tonumber(state[2]) - 1
if left <= 0 then redis.call('DEL', KEYS[1]) else redis.call('HSET', KEYS[1], 'tries', left) end
return {'wrong', left}
"""


class Verified(NamedTuple):
    """A row of `_VERIFY`."""

    outcome: bytes  # b"none": no PIN is open; b"right"; b"wrong"
    tries_left: int


class PinRequest(Body):
    recipient: Phone
    expiry: Annotated[Integer, Field(ge=1, le=words.MAX_PIN_MINUTES)] = words.PIN_MINUTES
    message_body: Annotated[Text, Field(max_length=words.MAX_CHARACTERS)] = words.PIN_TEXT


class PinAnswer(Body):
    recipient: Phone
    pin: Annotated[Identifier, Field(min_length=1, max_length=32)]


class PinViewSet(VendorViewSet):
    needs = {"send": Scope.SEND, "verify": Scope.SEND}

    @idempotent
    def send(self, request: Request) -> Response:
        """Send a new PIN to this number; the one before it is void."""
        body = read(request, PinRequest)
        pin = f"{secrets.randbelow(10**words.PIN_DIGITS):0{words.PIN_DIGITS}}"
        lifetime = dt.timedelta(minutes=body.expiry)
        _remember(self.sender, body.recipient, pin, lifetime)
        accept.accept(self.sender, [_draft(body, pin, lifetime)], accept.REFUSE)
        return Response({"status": "OK", "result": "OK", "pin_length": words.PIN_DIGITS})

    def verify(self, request: Request) -> Response:
        body = read(request, PinAnswer)
        outcome, tries_left = _verify(self.sender, body.recipient, body.pin)
        if outcome == b"none":
            raise ApiError.of_field(
                "recipient", "no PIN is open for this number: it has ended, or was never asked for"
            )
        if outcome == b"right":
            return Response({"status": "OK", "result": "success"})
        return Response({"status": "ERROR", "result": "error", "tries": tries_left})


def _draft(body: PinRequest, pin: str, lifetime: dt.timedelta) -> Draft:
    """Put the PIN into its text; the message expires with the PIN, which is of no use later."""
    template = body.message_body
    return Draft(
        phone=body.recipient,
        text=template.replace("%PIN%", pin) if "%PIN%" in template else f"{template} {pin}",
        send_before=ClientTime(clock.now() + lifetime, ""),
        priority=words.PIN_PRIORITY,
    )


def _remember(sender: Sender, phone: str, pin: str, lifetime: dt.timedelta) -> None:
    key, digest = _key(sender, phone), _digest(sender, phone, pin)

    def write(connection: redis.Redis) -> bool:
        with connection.pipeline() as pipeline:
            pipeline.hset(key, mapping={"digest": digest, "tries": words.PIN_TRIES})
            pipeline.expire(key, lifetime)
            pipeline.execute()
        return True

    if not with_redis(write, otherwise=False, purpose="PINs are not sent"):
        raise _unavailable()


def _verify(sender: Sender, phone: str, pin: str) -> Verified:
    def run(connection: redis.Redis) -> Verified | None:
        script = connection.register_script(_VERIFY)
        key, digest = _key(sender, phone), _digest(sender, phone, pin)
        return Verified(*cast(Sequence[Any], script(keys=[key], args=[digest])))

    outcome = with_redis(run, otherwise=None, purpose="PINs are not verified")
    if outcome is None:
        raise _unavailable()
    return outcome


def _unavailable() -> ApiError:
    words = "PINs are not available at the moment; try again."
    return ApiError(ErrorCode.UNAVAILABLE, words, retry_after=2)


def _key(sender: Sender, phone: str) -> str:
    return f"smsend:pin:{_digest(sender, phone, '')}"


def _digest(sender: Sender, phone: str, pin: str) -> str:
    return keys.digest("pin", f"{sender.license_id} {phone} {pin}")
