"""Responses about phones. The types make the OpenAPI schema; mypy holds the code to them."""

from __future__ import annotations

from typing_extensions import TypedDict

from http_api.answers import RowId, UtcTime
from http_api.times import utc_or_none
from licenses.models import Device


class DeviceRead(TypedDict):
    id: RowId
    name: str
    last_sync_at: UtcTime | None
    is_silent: bool  # it missed three syncs
    is_paused: bool
    failing_sims: list[int | None]  # slots that cannot send; None: what names no SIM
    battery: int | None  # in percent


def device(row: Device) -> DeviceRead:
    return {
        "id": row.pk,
        "name": row.name,
        "last_sync_at": utc_or_none(row.last_sync_at),
        "is_silent": row.silent_since is not None,
        "is_paused": row.is_paused,
        "failing_sims": row.failing_sims,
        "battery": row.health.get("battery"),
    }
