"""What the stories ask a running service."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

from tests.smsgate.processes import Up

NOTICED_SECONDS = 30.0  # what is promised


def ready(service: Up) -> dict[str, Any]:
    with urllib.request.urlopen(f"{service.url}/readyz/", timeout=10) as response:
        found: dict[str, Any] = json.load(response)
    return found


def status_of(service: Up, path: str) -> int:
    try:
        with urllib.request.urlopen(service.url + path, timeout=60) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def send(service: Up, external_id: str) -> float:
    """How long it took a message to be accepted, in seconds. Raises HTTPError."""
    body = {"license__key": service.license_key, "external_id": external_id}
    body |= {"phone": "+48600100200", "message": "x"}
    request = urllib.request.Request(
        f"{service.url}/api/messages/",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    began = time.monotonic()
    with urllib.request.urlopen(request, timeout=60) as response:
        assert response.status == 201
    return time.monotonic() - began
