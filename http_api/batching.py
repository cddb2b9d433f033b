"""Group commit: several requests of one thread ask the database together.

The pattern is known as a data loader. `run_together` runs each piece of work in a greenlet of its own,
until it calls a function that is `@batched`; then that function is called once, with what all of them
have passed, and each goes on with a result of its own. Anywhere else such a function is called with a
list of one.

What is suspended shares its thread, and so its database connection, with the others: inside a
transaction nothing is suspended. While one waits they all do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol, TypeVar

from django.db import Error, connection
from greenlet import getcurrent, greenlet

from http_api.patience import give_way

logger = logging.getLogger(__name__)

Item = TypeVar("Item", contravariant=True)
Result = TypeVar("Result", covariant=True)


# A piece of work that came alone waits for nobody, and needs no greenlet: each has a stack to allocate.
_is_alone = ContextVar("is_alone", default=False)


class _Member(greenlet):
    """One of the pieces of work that run together."""


class Batch(Protocol[Item, Result]):
    """A function of a list, which returns a result for each item: one that says so for an item that may
    not wait and would have to."""

    def __call__(self, items: Sequence[Item], /, *, may_wait: bool) -> Sequence[Result]: ...


class _Call(NamedTuple):
    """A batched call that a member waits for."""

    function: Batch[Any, Any]
    item: Any


class _Failed(NamedTuple):
    """In place of a member's result: the call for all failed, whoever's fault it was.

    `lost`: the connection ended with it, so that nobody knows whether it was committed.
    """

    lost: Error | None = None


def batched(function: Batch[Item, Result]) -> Callable[[Item], Result]:
    """Turn a function of a list into one of an item.

    Where the call for a group raises, each of the group gives way (http_api.patience) and runs again by
    itself: what is wrong with one is nobody else's. Where its outcome is unknown each meets the error,
    as if it had come alone: what was committed must not be done again.
    """

    def call(item: Item) -> Result:
        member = getcurrent()
        if not isinstance(member, _Member) or connection.in_atomic_block:
            return function([item], may_wait=not is_member())[0]
        assert member.parent is not None
        result = member.parent.switch(_Call(function, item))
        if isinstance(result, _Failed):
            if result.lost is not None:
                raise type(result.lost)(*result.lost.args) from result.lost.__cause__
            give_way()
        return result  # type: ignore[no-any-return]

    return call


def is_member() -> bool:
    """Say whether this was passed to `run_together`: what comes after it waits while it runs."""
    return _is_alone.get() or isinstance(getcurrent(), _Member)


def run_together(works: Sequence[Callable[[], None]]) -> None:
    """Run pieces of work, none of which raises, with their batched calls together."""
    if len(works) == 1:
        _run_alone(works[0])
        return
    members = [_Member(work) for work in works]
    waiting = _resumed([(member, ()) for member in members])
    while waiting:
        function = waiting[0][1].function
        now = [each for each in waiting if each[1].function is function]
        later = [each for each in waiting if each[1].function is not function]
        results = _called(function, [call.item for _, call in now])
        waiting = later + _resumed(
            [(member, (result,)) for (member, _), result in zip(now, results, strict=True)]
        )


def _run_alone(work: Callable[[], None]) -> None:
    alone = _is_alone.set(True)
    try:
        work()
    finally:
        _is_alone.reset(alone)


def _resumed(members: Sequence[tuple[_Member, tuple[Any, ...]]]) -> list[tuple[_Member, _Call]]:
    """Let each go on until it waits; return those that do, with what for."""
    waiting = []
    for member, arguments in members:
        call = member.switch(*arguments)
        if not member.dead:
            waiting.append((member, call))
    return waiting


def _called(function: Batch[Any, Any], items: list[Any]) -> Sequence[Any]:
    try:
        return function(items, may_wait=False)
    except Exception as error:  # whoever's it is meets it again, alone
        if isinstance(error, Error) and _is_connection_lost():
            return [_Failed(lost=error)] * len(items)
        logger.debug("%d requests run again, one by one: %s", len(items), type(error).__name__)
        return [_Failed()] * len(items)


def _is_connection_lost() -> bool:
    """Say whether what failed may be committed: what PostgreSQL refuses it says on a live connection."""
    session = connection.connection
    return session is None or bool(session.closed)
