"""A licence's messages, as this vendor's clients ask for it."""

from __future__ import annotations

from django.db.models import QuerySet

from dialects.massej_li import words
from dialects.massej_li.requests import LogQuery
from http_api.pagination import MOST
from licenses.sender import Sender
from messaging import selectors
from messaging.models import Message
from messaging.states import MessageState


def log(sender: Sender, wanted: LogQuery) -> QuerySet[Message]:
    """Return the messages that a query is about, newest first; of a state those of the newest."""
    found = selectors.newest_messages_of_batches(
        sender.license_id, words.NAME, wanted.date_from, wanted.date_to
    )
    if wanted.status:
        words_of_newest = states(found)
        found = found.filter(pk__in=[pk for pk, word in words_of_newest if word == wanted.status])
    return found


def states(rows: QuerySet[Message]) -> list[tuple[int, str]]:
    """Return id and state, in the vendor's words, of the first of these messages."""
    found = rows.values_list("pk", "status")[:MOST]
    return [(pk, words.STATES[MessageState(status)]) for pk, status in found]
