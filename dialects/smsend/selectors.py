"""A licence's messages and contacts, as this vendor's clients ask for it."""

from __future__ import annotations

import datetime as dt
from typing import TypeVar

from django.db.models import Model, QuerySet

from contacts import selectors
from dialects.smsend import words
from dialects.smsend.order_requests import GroupSms
from dialects.smsend.requests import Period
from http_api.errors import ApiError
from licenses.sender import Sender
from messaging import selectors as messages

Row = TypeVar("Row", bound=Model)


def within(period: Period, rows: QuerySet[Row]) -> QuerySet[Row]:
    """Return the rows whose time lies in this period, its end included, newest first."""
    start = period.start.at if period.start else None
    end = period.to.at + dt.timedelta(microseconds=1) if period.to else None
    return messages.between(rows, start, end).order_by("-pk")


def phones_of_groups(sender: Sender, order: GroupSms) -> list[str]:
    """Return whom an order to groups goes to. Raise ApiError `invalid`."""
    phones = selectors.phones_in(sender, _groups(sender, order))
    if not phones:
        raise ApiError.of_field("recipient", "there is nobody in these groups")
    if len(phones) > words.MAX_OF_GROUPS:
        raise ApiError.of_field(
            "recipient", f"{len(phones)} people are in these groups; at most"
            f" {words.MAX_OF_GROUPS} can be sent to at once"
        )  # fmt: skip
    return phones


def _groups(sender: Sender, order: GroupSms) -> set[int]:
    known = selectors.group_ids_by_name(sender.account_id, order.names)
    found = selectors.groups(sender.account_id).filter(pk__in=order.ids)
    group_ids = {*known.values(), *found.values_list("pk", flat=True)}
    missing = len(set(order.names) - known.keys()) + len(set(order.ids) - group_ids)
    if missing or not group_ids:
        raise ApiError.of_field("recipient", f"{missing or 'all'} of these groups do not exist")
    return group_ids
