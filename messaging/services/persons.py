"""One person's messages and received SMS, by their number: to be handed over, and erased."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from http_api import clock
from messaging import selectors
from messaging.models import InboundMessage, Message, OptOut, Thread
from messaging.phone import spellings
from messaging.selectors import MessageFilter
from messaging.services import endings
from messaging.transitions import Cause


def messages_to(account_id: int, phone: str) -> QuerySet[Message]:
    """Return what was sent, or is to be sent, to this number."""
    return selectors.messages(account_id, MessageFilter(phones=tuple(spellings(phone))))


def received_from(account_id: int, phone: str) -> QuerySet[InboundMessage]:
    return InboundMessage.objects.filter(account_id=account_id, sender__in=spellings(phone))


def opt_outs_of(account_id: int, phone: str) -> QuerySet[OptOut]:
    return selectors.opt_outs(account_id).filter(phone__in=spellings(phone))


def threads_with(account_id: int, phone: str) -> QuerySet[Thread]:
    return Thread.objects.filter(account_id=account_id, phone__in=spellings(phone))


@transaction.atomic
def erase(account_id: int, phone: str) -> None:
    """Erase number and text of what was sent to this person, as retention does; delete what they sent.

    What waits is cancelled; what a phone has stays until it ends. An opt-out stays: without it they
    would be written to again.
    """
    mine = messages_to(account_id, phone)
    open_ones = mine.filter(finished_at=None).select_for_update()
    endings.call_off_all(list(open_ones.order_by("pk")), Cause.OWNER, clock.now())
    mine.filter(finished_at__isnull=False).update(phone="", text="")
    received_from(account_id, phone).delete()
    threads_with(account_id, phone).delete()
