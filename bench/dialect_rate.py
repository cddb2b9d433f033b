"""A send through a dialect beside the same send through the native API, in turns."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

from bench.creates import CLIENTS, RULES, new_message
from bench.figures import Figure, ratio
from bench.http import Connection, hammer, request
from bench.stack import Stack

Accounts = Sequence[dict[str, Any]]


def sends(stack: Stack, *, rounds: int, seconds: float) -> list[Figure]:
    """Single sends by 16 keep-alive clients, of many accounts, all rules on."""
    accounts = [stack.account(*RULES) for _ in range(64)]
    for account in accounts:
        account["smsend"] = _smsend_log_in(stack, account)
    dialects = {
        "SMS Gateway for Android": _android_sms_gateway,
        "smSend": _smsend,
        "sms.by": _sms_by,
    }
    ours: dict[str, list[float]] = {name: [] for name in ("native", *dialects)}
    for _ in range(rounds + 1):  # the first one warms up
        for name, requests in {"native": _native, **dialects}.items():
            ours[name].append(
                hammer(stack.port, requests(accounts), clients=CLIENTS, seconds=seconds).rate
            )
    native = ours.pop("native")[1:]
    return [
        ratio(
            f"send through the API of {name}", rates[1:], native, unit="/s",
            limit="native single create", at_least=0.8,
        )
        for name, rates in ours.items()
    ]  # fmt: skip


def _native(accounts: Accounts) -> Iterator[bytes]:
    for account in itertools.cycle(accounts):
        yield request("/api/messages/", {"license__key": account["license_key"], **new_message()})


def _smsend_log_in(stack: Stack, account: dict[str, Any]) -> dict[str, str]:
    query = f"username={account['username']}&password={account['password']}"
    connection = Connection(stack.port)
    answer = connection.call(request(f"/API/v1.0/REST/login?{query}", method="GET"))
    connection.close()
    user_key, session_key = answer.body.decode().split(";")
    return {"user_key": user_key, "Session_key": session_key}


def _smsend(accounts: Accounts) -> Iterator[bytes]:
    for account in itertools.cycle(accounts):
        new = new_message()
        body = {"message_type": "N", "message": new["message"], "recipient": [new["phone"]]}
        yield request("/API/v1.0/REST/sms", body, headers=account["smsend"])


def _sms_by(accounts: Accounts) -> Iterator[bytes]:
    for account in itertools.cycle(accounts):
        new = new_message()
        query = {"token": account["token"], "phone": new["phone"], "message": new["message"]}
        yield request(f"/api/v1/sendQuickSMS?{urlencode(query)}", method="GET")


def _android_sms_gateway(accounts: Accounts) -> Iterator[bytes]:
    for account in itertools.cycle(accounts):
        new = new_message()
        body = {"phoneNumbers": [new["phone"]], "textMessage": {"text": new["message"]}}
        yield request("/api/3rdparty/v1/messages", body, token=account["token"])
