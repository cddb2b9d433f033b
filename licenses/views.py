"""`GET /api/me/`: who am I, what may I still send, are my phones alive."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response
from typing_extensions import TypedDict

from http_api.answers import Date, RowId
from http_api.error_codes import ErrorCode
from licenses import daily_limit, responses, selectors
from licenses.authentication import LicenseKeyAndPerhapsApiKey
from licenses.scopes import GIVEN, Scope
from licenses.sender import Sender
from licenses.viewsets import NativeViewSet


class MeAccount(TypedDict):
    id: RowId
    name: str
    country: str
    time_zone: str
    sending_hours: str | None  # HH:MM-HH:MM, or by days (licenses.sending_hours)
    valid_until: Date | None
    max_age_hours: int | None  # what no phone took within this age expires; None: never


class MeLicense(TypedDict):
    id: RowId
    scopes: list[str] | None  # what this key may do; None: everything


class MeAnswer(TypedDict):
    account: MeAccount
    license: MeLicense
    max_daily_sms: int | None
    remaining_today: int | None
    devices: list[responses.DeviceRead]


class MeViewSet(NativeViewSet):
    """The cheap call that a client uses to test its keys: each that is sent is checked."""

    authentication_classes = [LicenseKeyAndPerhapsApiKey]
    status_by_code: ClassVar = {ErrorCode.LICENSE_NOT_FOUND: 401}
    needs: ClassVar = {"retrieve": Scope.ANY}

    def retrieve(self, request: Request) -> Response:
        sender = self.sender
        account = selectors.account(sender)
        answer: MeAnswer = {
            "account": {
                "id": account.pk,
                "name": account.name,
                "country": account.country,
                "time_zone": account.time_zone,
                "sending_hours": account.sending_hours or None,
                "valid_until": account.valid_until.isoformat() if account.valid_until else None,
                "max_age_hours": account.max_age_hours,
            },
            "license": {"id": sender.license_id, "scopes": _scopes(sender)},
            "max_daily_sms": sender.max_daily_sms,
            "remaining_today": daily_limit.remaining(sender),
            "devices": [responses.device(device) for device in selectors.paired_devices(sender)],
        }
        return Response(answer)


def _scopes(sender: Sender) -> list[str] | None:
    return None if sender.scopes is None else [one for one in GIVEN if one in sender.scopes]
