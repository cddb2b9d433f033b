"""Drives an agent in real (or accelerated) time until it is told to end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from phone_simulator.agent import Agent
from phone_simulator.clock import Clock
from phone_simulator.step import Step, StepKind

LOOK_SECONDS = 1.0  # real enough for another process's `receive` to be seen while sleeping


def run(
    agent: Agent,
    clock: Clock,
    *,
    has_long_poll: bool = True,
    until_idle: bool = False,
    max_seconds: float | None = None,
    on_step: Callable[[Step], None] = lambda step: None,
) -> Step:
    """Step, wait, and again; return the last step.

    Ends when the agent has stopped; with `until_idle` when it is settled; and after `max_seconds`
    of the clock.
    """
    ends_at = float("inf") if max_seconds is None else clock.monotonic() + max_seconds
    while True:
        step = agent.step()
        on_step(step)
        is_over = clock.monotonic() >= ends_at
        if step.kind is StepKind.STOPPED or is_over or (until_idle and agent.is_settled):
            return step
        if step.wake_at is None:
            continue
        wake_at = min(step.wake_at, ends_at)
        if step.kind is StepKind.IDLE and has_long_poll and agent.may_wait:
            waited = agent.wait(partial(_has_work, agent, clock, wake_at))
            on_step(waited)
            if waited.kind is StepKind.STOPPED:
                return waited
        else:
            clock.sleep(min(wake_at - clock.monotonic(), LOOK_SECONDS))


def _has_work(agent: Agent, clock: Clock, wake_at: float) -> bool:
    return clock.monotonic() >= wake_at or agent.journal.unreported() > 0
