"""Record how tries went, let an endpoint rest that fails, and switch off one that is gone."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection, Mapping
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Model

from http_api import clock
from http_api.outgoing import Failure
from members import letters, mail
from members.selectors import addresses_of_owners
from webhooks.due import FAILURES, TRIES
from webhooks.models import Delivery, DeliveryAttempt, Endpoint

# An endpoint of which every try fails for so long is switched off.
DEAD_AFTER = dt.timedelta(days=7)

_LONGEST_REST = 15  # minutes; the first is one, each further one twice the last
_GONE = 410

_HEALTH = ("failures", "failing_since", "rests_until")

logger = logging.getLogger(__name__)

Row = TypeVar("Row", bound=Model)


class _Outcome(Protocol):
    @property
    def at(self) -> dt.datetime: ...
    @property
    def duration_ms(self) -> int: ...
    @property
    def status_code(self) -> int | None: ...
    @property
    def failure(self) -> Failure | None: ...


Tries = Collection[tuple[Delivery, _Outcome]]


@transaction.atomic
def record(tries: Tries) -> None:
    """Record these. Only the newest try can fail a delivery; any can be the one that was taken."""
    endpoints = _locked(Endpoint, {delivery.endpoint_id for delivery, _ in tries})
    known = _locked(Delivery, {delivery.pk for delivery, _ in tries})
    tries = [one for one in tries if one[0].pk in known]  # else it was deleted meanwhile
    DeliveryAttempt.objects.bulk_create(
        DeliveryAttempt(
            delivery=delivery,
            at=outcome.at,
            duration_ms=outcome.duration_ms,
            status_code=outcome.status_code,
            error=outcome.failure or "",
        )
        for delivery, outcome in tries
    )
    _taken([delivery for delivery, outcome in tries if outcome.failure is None], endpoints)
    for delivery, outcome in tries:
        if outcome.failure is not None:
            _failed(delivery, outcome, endpoints[delivery.endpoint_id])


def _locked(model: type[Row], ids: Collection[int]) -> Mapping[int, Row]:
    """Lock in one order: two workers never wait for each other in a circle."""
    rows = model._default_manager.select_for_update(no_key=True).filter(pk__in=ids)
    return {row.pk: row for row in rows.order_by("pk")}


def _taken(deliveries: Collection[Delivery], endpoints: Mapping[int, Endpoint]) -> None:
    ids = [delivery.pk for delivery in deliveries]
    Delivery.objects.filter(pk__in=ids, delivered_at=None).update(
        delivered_at=clock.now(), next_at=None
    )
    for endpoint_id in {delivery.endpoint_id for delivery in deliveries}:
        endpoint = endpoints[endpoint_id]
        if endpoint.failures:
            endpoint.failures, endpoint.failing_since, endpoint.rests_until = 0, None, None
            endpoint.save(update_fields=_HEALTH)


def _failed(delivery: Delivery, outcome: _Outcome, endpoint: Endpoint) -> None:
    is_last = delivery.tries >= TRIES or outcome.status_code == _GONE
    if is_last:
        newest = Delivery.objects.filter(pk=delivery.pk, delivered_at=None, tries=delivery.tries)
        newest.update(next_at=None)
    logger.warning(
        "webhook %s to endpoint %s, try %s of %s: %s%s",
        delivery.pk, delivery.endpoint_id, delivery.tries, TRIES, outcome.failure,
        "; given up" if is_last else "",
    )  # fmt: skip
    _count(endpoint, outcome)
    if outcome.status_code == _GONE:
        disable(endpoint, Endpoint.Disabled.GONE, outcome.at)
    elif endpoint.failing_since and outcome.at - endpoint.failing_since >= DEAD_AFTER:
        disable(endpoint, Endpoint.Disabled.FAILING, outcome.at)


def _count(endpoint: Endpoint, outcome: _Outcome) -> None:
    """Let an endpoint rest that fails again and again. What fails while it rests is not counted."""
    now = outcome.at
    if endpoint.rests_until is not None and endpoint.rests_until > now:
        return
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    if endpoint.failures >= FAILURES:
        minutes = min(2 ** min(endpoint.failures - FAILURES, 10), _LONGEST_REST)
        endpoint.rests_until = now + dt.timedelta(minutes=minutes)
    endpoint.save(update_fields=_HEALTH)


def disable(endpoint: Endpoint, reason: Endpoint.Disabled, now: dt.datetime) -> None:
    """Send nothing more to a subscription; what waits is given up and may be replayed.

    The host of callbacks is not: other URLs of it may be well.
    """
    if endpoint.kind == Endpoint.Kind.CALLBACK:
        return
    endpoint.disabled_at, endpoint.disabled_reason = now, reason.value
    endpoint.save(update_fields=["disabled_at", "disabled_reason"])
    endpoint.deliveries.filter(next_at__isnull=False).update(next_at=None)
    logger.warning("endpoint %s is switched off: %s", endpoint.pk, reason.label)
    if reason != Endpoint.Disabled.OWNER:
        _mail_owners(endpoint)


def _mail_owners(endpoint: Endpoint) -> None:
    host = urlsplit(endpoint.url).hostname or ""  # the rest of such URLs is secret
    is_gone = endpoint.disabled_reason == Endpoint.Disabled.GONE
    with letters.in_language_of(endpoint.account):
        letter = letters.webhook_off(endpoint.account, host, endpoint.pk, is_gone)
    for address in addresses_of_owners(endpoint.account_id):
        mail.queue(address, *letter)
