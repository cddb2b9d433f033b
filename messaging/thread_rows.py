"""Threads' rows, made where they are missing. Raw SQL: thread_rows.sql."""

from __future__ import annotations

import datetime as dt

from http_api.prepared import statements

_SQL = statements(__file__)


def heard(account_id: int, phone: str, inbound_id: int, now: dt.datetime) -> None:
    values = {"account_id": account_id, "phone": phone, "inbound_id": inbound_id, "now": now}
    _SQL["heard"].run(values)


def said(account_id: int, phone: str, message_id: int, now: dt.datetime) -> None:
    values = {"account_id": account_id, "phone": phone, "message_id": message_id, "now": now}
    _SQL["said"].run(values)


def opened(account_id: int, phone: str, now: dt.datetime) -> None:
    _SQL["opened"].run({"account_id": account_id, "phone": phone, "now": now})
