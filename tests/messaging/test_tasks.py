"""The clock's tasks: what is late catches up, and says so in one line."""

from __future__ import annotations

import logging

import pytest
from django.db import InterfaceError, OperationalError

from dialects import tasks as dialects_tasks
from messaging import tasks
from messaging.services import housekeeping
from smsgate import celery
from smsgate.settings import CELERY_BEAT_SCHEDULE
from webhooks import delivery


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_is_away_is_one_line(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away() -> int:
        raise error("+48123456789")

    monkeypatch.setattr(housekeeping, "expire_overdue", away)
    with caplog.at_level(logging.ERROR):
        tasks.expire()
    (record,) = caplog.records
    assert record.getMessage() == f"expire waits: the database does not answer ({error.__name__})"
    assert record.exc_info is None


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "expire_overdue", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tasks.expire()


def test_the_schedule_names_tasks_that_exist() -> None:
    celery.app.loader.import_default_modules()  # as a worker does when it starts
    assert {entry["task"] for entry in CELERY_BEAT_SCHEDULE.values()} <= set(celery.app.tasks)


def test_slow_receivers_keep_one_of_a_workers_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = []

    def slow(bodies: object, **_: object) -> int:
        rounds.append(bodies)
        dialects_tasks.deliver_webhooks()  # the next tick, on another thread
        return 0

    monkeypatch.setattr(delivery, "deliver", slow)
    for ticks in (1, 2):
        dialects_tasks.deliver_webhooks()
        assert len(rounds) == ticks
