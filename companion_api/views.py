"""The routes for phones. `GET /companion/wait/` is not here: it is async (companion_api.wait)."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from companion_api import requests, responses
from http_api import clock
from http_api.addresses import client_network
from http_api.deadlocks import retry_on_deadlock
from http_api.errors import ApiError
from http_api.reading import read
from http_api.throttles import device_throttle, record_failed_key
from http_api.views import ApiViewSet
from licenses.authentication import DeviceToken
from licenses.models import Device
from messaging.services import phones
from messaging.services.sync import sync


class PairViewSet(ApiViewSet):
    """A phone redeems the one-time code that its owner made."""

    authentication_classes = []

    def create(self, request: Request) -> Response:
        body = read(request, requests.PairPhone)
        try:
            paired = phones.pair(body.code, install_id=body.install_id, **body.facts())
        except ApiError:
            record_failed_key(client_network(request.META))
            raise
        return Response(responses.paired(paired.device, paired.token, clock.now()), status=201)


class SyncViewSet(ApiViewSet):
    """One call: report, then take the next messages."""

    authentication_classes = [DeviceToken]

    @property
    def device(self) -> Device:
        """Return the phone whose token this request has."""
        device = self.request.auth
        if not isinstance(device, Device):
            raise TypeError("the view is open without a phone's token")
        return device

    def create(self, request: Request) -> Response:
        device = self.device
        device_throttle(device.pk)  # a phone that is not paired any more was told so before
        body = read(request, requests.Sync)
        answer = retry_on_deadlock(lambda: sync(device, body.request()))
        return Response(responses.synced(answer, body.acked()))
