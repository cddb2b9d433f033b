"""A licence's messages, as this vendor's clients ask for it."""

from __future__ import annotations

from dialects.massej_li import words
from dialects.massej_li.requests import LogQuery
from http_api import pagination
from http_api.pagination import numbered_of, walked
from licenses.sender import Sender
from messaging import daily_counts, selectors
from messaging.models import DailyCount, Message


def log(sender: Sender, wanted: LogQuery) -> tuple[list[Message], int]:
    """Return the page that a query is about, newest first, and how many there are; of a state only the
    newest are looked at. Raise ApiError `invalid` beyond the last page."""
    mine = selectors.batches(sender.license_id, words.NAME).order_by("-pk")
    messages = selectors.messages_along(selectors.between(mine, wanted.date_from, wanted.date_to))
    if wanted.status:
        statuses = {state for state, word in words.STATES.items() if word == wanted.status}
        newest = messages.values_list("pk", "status")[: pagination.MOST]
        ids = [pk for pk, status in newest if status in statuses]
    else:
        ids = list(walked(messages.values_list("pk", flat=True)))
    rows = selectors.messages_of_batches(sender.license_id, words.NAME)
    return numbered_of(rows, ids, wanted.rows)


def figures(sender: Sender) -> dict[str, int]:
    """Return how many messages the licence ever sent, by any API, and how many ended in which way: as
    of the last count, some seconds ago."""
    reached = daily_counts.of_license(sender.license_id)
    return {"total": reached[DailyCount.ACCEPTED]} | {
        name: sum(reached[state] for state, word in words.STATES.items() if word == name)
        for name in ("delivered", "failed")
    }
