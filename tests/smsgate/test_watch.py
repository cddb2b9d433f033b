"""Celery's processes: a clock that is put back stops no tick, and a silent process ends itself."""

from __future__ import annotations

import datetime as dt
import logging
import time

import pytest
import redis as redis_library
from celery.beat import Scheduler

from http_api import redis
from http_api.logs import WithoutTheBroker
from smsgate.celery import app
from smsgate.supervisor import watch


class Ticks(Scheduler):
    """Beat's scheduler, but for the publishing."""

    published: list[str]

    def apply_entry(self, entry: object, producer: object = None) -> None:
        self.published.append(entry.name)  # type: ignore[attr-defined]

    producer = None  # type: ignore[assignment]


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_clock_that_is_set_by_hours_stops_no_tick(
    monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    steady, wall = 1000.0, dt.datetime.now(dt.UTC)
    monkeypatch.setattr(time, "monotonic", lambda: steady)
    monkeypatch.setattr(app, "now", lambda: wall)
    beat = Ticks(app)
    beat.published = []
    beat.tick()
    wall += dt.timedelta(hours=hours)
    for seconds, ticks in ((5, 0), (6, 1), (11, 2)):  # the shortest interval is ten
        steady += seconds
        while beat.tick() == 0:
            pass
        assert beat.published.count("promote") == ticks


def test_a_process_that_is_silent_though_redis_answers_is_to_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = watch.Watch()
    for _ in range(3):
        for _ in range(watch.SILENT_LOOKS - 1):
            assert watched.look()
        watched.is_at_work(sender="messaging.tasks.promote")
    for _ in range(watch.SILENT_LOOKS - 1):
        assert watched.look()
    assert not watched.look()


def test_while_redis_is_away_silence_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = watch.Watch()
    monkeypatch.setattr(redis, "_gone_since", 0.0)
    assert all(watched.look() for _ in range(10 * watch.SILENT_LOOKS))


def test_the_log_has_our_words_of_a_broker_that_is_away_and_not_celerys() -> None:
    def is_shown(words: str, met: BaseException | None = None) -> bool:
        info = (type(met), met, None) if met else None
        record = logging.LogRecord("celery.beat", logging.ERROR, "", 0, words, (), info)
        return WithoutTheBroker().filter(record)

    away, bug = RuntimeError("Couldn't apply"), RuntimeError("Couldn't apply")
    away.__cause__, bug.__cause__ = redis_library.ConnectionError("gone"), ZeroDivisionError()
    assert not is_shown("consumer: Cannot connect to redis://:**@h/0: refused.")
    assert not is_shown("Message Error: Couldn't apply", away)
    assert is_shown("Message Error: Couldn't apply", bug)
    assert is_shown("Received unregistered task")
