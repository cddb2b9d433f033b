"""The first steps of an account, which tick themselves off as they are done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.utils.translation import gettext as _

from console.pages.send import ONCE_PREFIX
from licenses.pairing import unreachable
from messaging.models import Message


class Step(NamedTuple):
    """A step: `place` is a name in console.urls, '' without one."""

    words: str
    is_done: bool
    place: str
    advice: str = ""


def first_steps(*, has_phone: bool, has_sent: bool, newest: Sequence[Message]) -> list[Step]:
    """Return the steps of an account with these newest messages; empty once all are done."""
    from_program = any(not (one.external_id or "").startswith(ONCE_PREFIX) for one in newest)
    steps = [
        Step(_("Phones can reach this address"), not unreachable(), "", unreachable()),
        Step(_("Pair a phone"), has_phone, "phones"),
        Step(_("Send the first SMS, to yourself"), has_sent, "send"),
        Step(_("Let a program send one, with a key"), from_program, "keys"),
    ]
    # Whose newest messages are all of people has sent for long, and knows the way.
    return (
        []
        if all(step.is_done for step in steps[:-1]) and (from_program or len(newest) > 5)
        else steps
    )
