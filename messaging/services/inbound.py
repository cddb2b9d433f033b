"""Received SMS, and what a recipient says with one: STOP, START."""

from __future__ import annotations

from messaging.keywords import opt_out_intent
from messaging.models import InboundMessage
from messaging.phone import InvalidPhone, parse_phone
from messaging.services import opt_outs


def receive(message: InboundMessage, *, country: str) -> None:
    """Keep it in the inbox; the STOP family opts its sender out, the START family takes it back.

    Call inside a transaction, once per event.
    """
    number = _number(message.sender, country)
    message.sender = number or message.sender
    message.save(force_insert=True)
    intent = opt_out_intent(message.text)
    if number is None or intent is None:  # a name as the sender: nothing can be sent to it anyway
        return
    if intent == "stop":
        opt_outs.opt_out(message.account_id, number, opt_outs.Source.SMS)
    else:
        opt_outs.opt_in(message.account_id, number)


def _number(sender: str, country: str) -> str | None:
    """E.164 or a short code where the sender is a number; None for a name."""
    try:
        return parse_phone(sender, country, allow_short_codes=True)
    except InvalidPhone:
        return None
