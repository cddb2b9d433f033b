"""One-time PINs: made here, sent as an SMS like every other, known only as a digest until they end."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Annotated, cast

import redis
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from dialects.smsend import words
from dialects.smsend.orders import VendorViewSet
from dialects.smsend.shapes import Body, Number
from http_api import clock
from http_api.errors import Refusal
from http_api.redis import attempt
from http_api.shapes import Identifier, Integer, validated
from licenses import keys
from licenses.auth import Sender, sender_of
from messaging.drafts import ClientTime, Draft
from messaging.fields import Text
from messaging.services import accept

# Answers -1 where no PIN is asked for, 0 where it is right (it is used up then), else 1 + the tries
# that are left. KEYS[1] PIN · ARGV[1] digest of the PIN that was typed.
_VERIFY = """
local state = redis.call('HMGET', KEYS[1], 'digest', 'tries')
if not state[1] then return -1 end
if state[1] == ARGV[1] then redis.call('DEL', KEYS[1]) return 0 end
local left = tonumber(state[2]) - 1
if left <= 0 then redis.call('DEL', KEYS[1]) else redis.call('HSET', KEYS[1], 'tries', left) end
return 1 + left
"""


class PinRequest(Body):
    recipient: Number
    expiry: Annotated[Integer, Field(ge=1, le=words.MAX_PIN_MINUTES)] = words.PIN_MINUTES
    message_body: Annotated[Text, Field(max_length=words.MAX_CHARACTERS)] = words.PIN_TEXT


class PinAnswer(Body):
    recipient: Number
    pin: Annotated[Identifier, Field(max_length=32)]


class PinViewSet(VendorViewSet):
    def send(self, request: Request) -> Response:
        """A new PIN for this number; the one before it ends."""
        sender = sender_of(request)

        def work() -> Response:
            body = validated(PinRequest, request.data, sender=sender)
            pin = f"{secrets.randbelow(10**words.PIN_DIGITS):0{words.PIN_DIGITS}}"
            lifetime = dt.timedelta(minutes=body.expiry)
            _remember(sender, body.recipient, pin, lifetime)
            accept.accept_one(sender, _draft(body, pin, lifetime))
            return Response({"status": "OK", "result": "OK", "pin_length": words.PIN_DIGITS})

        return self.write(request, sender.scope, work)

    def verify(self, request: Request) -> Response:
        sender = sender_of(request)
        body = validated(PinAnswer, request.data, sender=sender)
        outcome = _verified(sender, body.recipient, body.pin)
        if outcome < 0:
            raise Refusal.of_field(
                "recipient", "no PIN is open for this number: it has ended, or was never asked for"
            )
        if outcome == 0:
            return Response({"status": "OK", "result": "success"})
        return Response({"status": "ERROR", "result": "error", "tries": outcome - 1})


def _draft(body: PinRequest, pin: str, lifetime: dt.timedelta) -> Draft:
    """A PIN that comes too late is of no use to anybody: it is not sent then."""
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

    if not attempt(write, otherwise=False, purpose="PINs are not sent"):
        raise _unavailable()


def _verified(sender: Sender, phone: str, pin: str) -> int:
    def run(connection: redis.Redis) -> int | None:
        script = connection.register_script(_VERIFY)
        key, digest = _key(sender, phone), _digest(sender, phone, pin)
        return cast(int, script(keys=[key], args=[digest]))

    outcome = attempt(run, otherwise=None, purpose="PINs are not verified")
    if outcome is None:
        raise _unavailable()
    return outcome


def _unavailable() -> Refusal:
    return Refusal("unavailable", "PINs are not available at the moment; try again.", retry_after=2)


def _key(sender: Sender, phone: str) -> str:
    return f"smsend:pin:{_digest(sender, phone, '')}"


def _digest(sender: Sender, phone: str, pin: str) -> str:
    return keys.digest("pin", f"{sender.license_id} {phone} {pin}")
