"""`GET /api/me/`: who am I, what may I still send, are my phones alive."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response
from typing_extensions import TypedDict

from http_api.views import ApiViewSet
from licenses import limits
from licenses.auth import sender_of
from licenses.authentication import LicenseKey
from licenses.models import Account, Device


class MeAccount(TypedDict):
    id: int
    name: str
    country: str
    time_zone: str
    sending_hours: str | None  # HH:MM-HH:MM
    valid_until: str | None


class MeLicense(TypedDict):
    id: int


class MeDevice(TypedDict):
    id: int
    name: str
    last_sync_at: str | None
    is_silent: bool  # it missed three syncs
    is_paused: bool
    battery: Any


class MeAnswer(TypedDict):
    account: MeAccount
    license: MeLicense
    max_daily_sms: int | None
    remaining_today: int | None
    devices: list[MeDevice]


class MeViewSet(ApiViewSet):
    """The cheap call that a client uses to test its key."""

    authentication_classes = [LicenseKey]
    status_by_code: ClassVar = {"license_not_found": 401}

    def retrieve(self, request: Request) -> Response:
        sender = sender_of(request)
        account = Account.objects.get(pk=sender.account_id)
        devices = Device.objects.filter(license_id=sender.license_id, revoked_at=None)
        answer: MeAnswer = {
            "account": {
                "id": account.pk,
                "name": account.name,
                "country": account.country,
                "time_zone": account.time_zone,
                "sending_hours": _hours(account),
                "valid_until": account.valid_until.isoformat() if account.valid_until else None,
            },
            "license": {"id": sender.license_id},
            "max_daily_sms": sender.max_daily_sms,
            "remaining_today": limits.remaining(sender),
            "devices": [_device(device) for device in devices.order_by("pk")],
        }
        return Response(answer)


def _hours(account: Account) -> str | None:
    if account.opens_at is None or account.closes_at is None:
        return None
    return f"{account.opens_at:%H:%M}-{account.closes_at:%H:%M}"


def _device(device: Device) -> MeDevice:
    synced = device.last_sync_at
    return {
        "id": device.pk,
        "name": device.name,
        "last_sync_at": f"{synced:%Y-%m-%dT%H:%M:%SZ}" if synced else None,
        "is_silent": device.silent_since is not None,
        "is_paused": device.is_paused,
        "battery": device.health.get("battery"),
    }
