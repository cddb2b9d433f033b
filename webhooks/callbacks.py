"""URLs that came with sends. Their host is the endpoint: many URLs of one dead host rest together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from webhooks.models import Delivery, Endpoint


class Callback(NamedTuple):
    """One thing that a URL is to be told: an event, or the end of a batch."""

    url: str
    message_id: int | None = None
    event_id: int | None = None
    batch_id: int | None = None


def expect(account_id: int, callbacks: Sequence[Callback], now: dt.datetime) -> None:
    """Put these before their hosts, in this order. Call inside a transaction."""
    if not callbacks:
        return
    hosts = _endpoints(account_id, {host_of(callback.url) for callback in callbacks}, now)
    Delivery.objects.bulk_create(
        [
            Delivery(
                account_id=account_id,
                endpoint_id=hosts[host_of(callback.url)],
                event_id=callback.event_id,
                batch_id=callback.batch_id,
                url=callback.url,
                message_id=callback.message_id,
                created_at=now,
                next_at=now,
            )
            for callback in callbacks
        ]
    )


def host_of(url: str) -> str:
    """Return scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _endpoints(account_id: int, hosts: set[str], now: dt.datetime) -> dict[str, int]:
    kind = Endpoint.Kind.CALLBACK
    new = [
        Endpoint(account_id=account_id, kind=kind, url=host, created_at=now)
        for host in sorted(hosts)
    ]
    Endpoint.objects.bulk_create(new, ignore_conflicts=True)
    mine = Endpoint.objects.filter(account_id=account_id, kind=kind, url__in=hosts)
    return dict(mine.values_list("url", "pk"))
