"""A licence's messages, as this vendor's clients ask for it."""

from __future__ import annotations

from django.db.models import QuerySet

from dialects.massej_li import words
from dialects.massej_li.requests import LogQuery
from licenses.sender import Sender
from messaging import selectors
from messaging.models import Message


def log(sender: Sender, wanted: LogQuery) -> QuerySet[Message]:
    """Return the messages that a query is about, newest first."""
    found = selectors.messages_of_batches(sender.license_id, words.NAME)
    if wanted.status:
        states = [state for state, word in words.STATES.items() if word == wanted.status]
        found = found.filter(status__in=[state.value for state in states])
    if wanted.date_from:
        found = found.filter(created_at__gte=wanted.date_from)
    if wanted.date_to:
        found = found.filter(created_at__lt=wanted.date_to)
    return found.order_by("-pk")
