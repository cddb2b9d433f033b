"""What phones call. `GET /companion/wait/` is not here: it is async (companion_api.wait)."""

from __future__ import annotations

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from companion_api import answers, shapes
from http_api import clock
from http_api.addresses import client_address
from http_api.errors import Refusal
from http_api.shapes import validated
from http_api.throttles import failed_key
from http_api.views import ApiViewSet, retried
from licenses import services as licenses
from licenses.authentication import DeviceToken
from licenses.models import Device
from messaging.services.housekeeping import doubt_install
from messaging.services.sync import sync


class PairViewSet(ApiViewSet):
    """A phone redeems the one-time code that its owner made."""

    authentication_classes = []

    def create(self, request: Request) -> Response:
        body = validated(shapes.Pair, request.data)
        try:
            paired = self._pair(body)
        except Refusal:
            failed_key(client_address(request.META))
            raise
        return Response(answers.paired(paired.device, paired.token, clock.now()), status=201)

    @transaction.atomic
    def _pair(self, body: shapes.Pair) -> licenses.Paired:
        paired = licenses.pair(body.code, install_id=body.install_id, **body.facts())
        if paired.replaced_install is not None:
            doubt_install(paired.device, paired.replaced_install)
        return paired


class SyncViewSet(ApiViewSet):
    """One call: report, then take the next messages."""

    authentication_classes = [DeviceToken]

    def create(self, request: Request) -> Response:
        device = request.auth
        assert isinstance(device, Device)
        body = validated(shapes.Sync, request.data)
        answer = retried(lambda: sync(device, body.request()))
        return Response(answers.synced(answer, body.events))
