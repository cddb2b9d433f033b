"""Sign as Standard Webhooks describes, by secrets that follow from a pepper and are stored nowhere
(docs/adr/0009-webhooks-are-signed-by-a-derived-secret.md)."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac

from http_api.derivation import derived, newest_pepper
from licenses import services as licenses
from webhooks.models import Delivery, Endpoint

# For so long after a rotation the former secret signs too, for receivers to change over.
OVERLAP = dt.timedelta(hours=24)


def secret(endpoint: Endpoint) -> str:
    """Return an endpoint's secret as Standard Webhooks writes it: `whsec_…`."""
    return f"whsec_{base64.b64encode(_key(endpoint, endpoint.secret_number)).decode()}"


def rotate(endpoint: Endpoint, now: dt.datetime) -> None:
    """Replace an endpoint's secret; the caller saves it. The former signs for OVERLAP more."""
    endpoint.former_pepper, endpoint.secret_pepper = endpoint.secret_pepper, newest_pepper()
    endpoint.secret_number += 1
    endpoint.rotated_at = now


def signature(delivery: Delivery, webhook_id: str, body: bytes, now: dt.datetime) -> dict[str, str]:
    """Return the headers that sign this body now, by each secret that is good now."""
    timestamp = str(int(now.timestamp()))
    signed = b".".join([webhook_id.encode(), timestamp.encode(), body])
    signatures = (
        base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        for key in _keys(delivery, now)
    )
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{each}" for each in signatures),
    }


def _keys(delivery: Delivery, now: dt.datetime) -> list[bytes]:
    """Return the newest first. A URL that came with a send is signed for by its account's secret."""
    endpoint = delivery.endpoint
    if endpoint.kind == Endpoint.Kind.CALLBACK:
        return [licenses.webhook_key(delivery.account)]
    found = [_key(endpoint, endpoint.secret_number)]
    if endpoint.rotated_at is not None and now < endpoint.rotated_at + OVERLAP:
        found.append(_key(endpoint, endpoint.secret_number - 1))
    return found


def _key(endpoint: Endpoint, number: int) -> bytes:
    is_former = number < endpoint.secret_number
    pepper = endpoint.former_pepper if is_former else endpoint.secret_pepper
    return derived(pepper, "webhook", f"endpoint {endpoint.pk} {number}")
