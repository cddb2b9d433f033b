"""The command line: `manage.py phone` and `python -m phone_simulator`."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from phone_simulator import runner
from phone_simulator.agent import Agent
from phone_simulator.clock import Clock, SystemClock
from phone_simulator.device import Device, pretended_sims
from phone_simulator.journal import SET_ASIDE, AttemptState, Journal
from phone_simulator.journal_file import JournalCorruptError, JournalError
from phone_simulator.lock import JournalInUseError, only_one
from phone_simulator.options import make_parser
from phone_simulator.pairing import PairingError, pair, read_invitation
from phone_simulator.pretended_sim import Plan, PretendedSim
from phone_simulator.step import Step, StepKind
from phone_simulator.transport import Faults, FaultyTransport, HttpTransport, Transport
from protocol import constant

MAX_SENDER, MAX_TEXT = constant("max_sender_characters"), 10_000

OK, FAILED, MUST_PAIR, JOURNAL_CORRUPT, DIED, INTERRUPTED = 0, 1, 3, 4, 86, 130

_STOPPED = {
    "not_paired": (MUST_PAIR, "this phone is not paired: use `pair`"),
    "unauthorized": (
        MUST_PAIR,
        "the server no longer knows this phone: use `pair` with a new code",
    ),
    "journal_corrupt": (
        JOURNAL_CORRUPT,
        "the journal was corrupt and is set aside; what the phone held is shown as uncertain on "
        "the server. Nothing is sent until you decide: `reset`, then `pair` with a new code",
    ),
    "journal_copied": (
        JOURNAL_CORRUPT,
        "the journal is a copy of another phone's, or was moved to another disk, and is set aside: "
        "the original may have sent what it holds. `reset`, then `pair` with a new code",
    ),
}

_SILENT = {StepKind.IDLE, StepKind.STOPPED}  # idle comes every second, and the end is told in words
_DULL = {StepKind.QUIET, StepKind.READY}


class CliError(Exception):
    """One sentence for the user."""


def main(argv: Sequence[str], prog: str = "phone") -> int:
    """Run one command and return the exit code."""
    options = make_parser(prog).parse_args(argv)
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "pair": _pair,
        "run": _run,
        "status": _status,
        "resume": _resume,
        "receive": _receive,
        "reset": _reset,
    }
    try:
        return commands[options.command](options)
    except (CliError, PairingError, JournalInUseError) as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return FAILED
    except JournalCorruptError as error:
        print(f"{prog}: {error}: `run` will set {options.journal} aside", file=sys.stderr)
        return JOURNAL_CORRUPT
    except JournalError as error:
        print(f"{prog}: {options.journal}: {error}", file=sys.stderr)
        return FAILED
    except OSError as error:
        where = error.filename or options.journal
        print(f"{prog}: {where}: {error.strerror or error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _pair(options: argparse.Namespace) -> int:
    invitation = read_invitation(options.link, options.server)
    url = urlsplit(invitation.base_url)
    print(f"pairing with {invitation.host}", flush=True)
    if url.scheme == "http" and url.hostname not in {"localhost", "127.0.0.1", "::1"}:
        print("warning: http is not encrypted, everybody on the way can read", file=sys.stderr)
    device = Device(name=options.name, sims=pretended_sims(options.sims))
    server = HttpTransport(invitation.base_url, invitation.pin)
    with only_one(options.journal), closing(Journal(options.journal, SystemClock())) as journal:
        paired = pair(journal, server, invitation, device)
    print(f"paired as device {paired.device_id} of {paired.account}; now: run")
    return OK


def _run(options: argparse.Namespace) -> int:
    clock = SystemClock(options.speed, options.skew, rebooted=options.reboot)
    with (
        only_one(options.journal),
        closing(Journal(options.journal, clock, max_pages=options.journal_pages)) as journal,
    ):
        if journal.set_aside_as is not None:
            print(f"the journal was set aside as {journal.set_aside_as}", file=sys.stderr)
        return _run_agent(options, journal, clock)


def _run_agent(options: argparse.Namespace, journal: Journal, clock: Clock) -> int:
    plan = Plan(
        sent_after_seconds=options.sent_after,
        delivered_after_seconds=options.delivered_after,
        fail_rate=options.fail_rate,
        fail_nth=frozenset(options.fail_nth),
        undelivered_rate=options.undelivered_rate,
        silent_rate=options.silent_rate,
        has_delivery_reports=not options.no_delivery_reports,
        blocked=options.blocked,
        seed=options.seed,
    )
    sender = PretendedSim(clock, plan, options.outbox, options.sims, lambda line: _say(clock, line))
    agent = Agent(
        journal,
        _transport(options, journal, clock),
        sender,
        clock,
        device=Device(sims=pretended_sims(options.sims)),
        checkpoint=_checkpoint(options.die_after),
    )
    last = runner.run(
        agent,
        clock,
        has_long_poll=not options.no_long_poll,
        until_idle=options.until_idle,
        max_seconds=options.max_seconds and options.max_seconds * options.speed,
        on_step=lambda step: _show(clock, step, options.verbose),
    )
    if last.kind is not StepKind.STOPPED:
        return OK if agent.is_settled or not options.until_idle else FAILED
    code, sentence = _STOPPED.get(last.detail, (FAILED, last.detail))
    print(f"stopped: {sentence}", file=sys.stderr)
    return code


def _transport(options: argparse.Namespace, journal: Journal, clock: Clock) -> Transport:
    # An unpaired phone never gets as far as a request.
    server = HttpTransport(journal.get("base_url") or "http://unpaired.invalid", journal.get("pin"))
    faults = Faults(
        lose_requests=options.lose_requests,
        lose_replies=options.lose_replies,
        duplicate=options.duplicate,
        cut=options.cut,
        late=options.late,
        reorder=options.reorder,
    )
    if faults == Faults():
        return server
    return FaultyTransport(server, faults, random.Random(options.seed), clock)


def _checkpoint(die_after: tuple[str, int] | None) -> Callable[[str], None]:
    """Return what dies like a phone whose battery is pulled: nothing is closed or flushed."""
    point, left = die_after or ("", 0)

    def checkpoint(name: str) -> None:
        nonlocal left
        if name != point:
            return
        left -= 1
        if left == 0:
            print(f"died after {name}", file=sys.stderr, flush=True)
            os._exit(DIED)

    return checkpoint


def _show(clock: Clock, step: Step, is_verbose: bool) -> None:
    is_dull = step.kind in _DULL or step.detail == "0 new, 0 acked"
    if step.kind not in _SILENT and (is_verbose or not is_dull):
        _say(clock, f"{step.kind.value.replace('_', ' ')}: {step.detail}".removesuffix(": "))


def _say(clock: Clock, line: str) -> None:
    print(f"{clock.wall():%H:%M:%S} {line}", flush=True)


def _existing(options: argparse.Namespace) -> Journal:
    if not options.journal.exists():
        raise CliError(f"no journal at {options.journal}: use `pair` first")
    return Journal(options.journal, SystemClock(), sets_aside=False)


def _status(options: argparse.Namespace) -> int:
    with closing(_existing(options)) as journal:
        facts = _facts(journal)
    if options.json:
        print(json.dumps(facts))
    else:
        print("\n".join(f"{name:<11} {value}" for name, value in facts.items()))
    return OK


def _facts(journal: Journal) -> dict[str, Any]:
    counts = journal.counts()
    stopped = journal.get("stopped")
    return {
        "server": journal.get("base_url"),
        "device_id": journal.get("device_id"),
        "paired": journal.get("token") is not None and stopped is None,
        "stopped": stopped,
        "held": counts.get(AttemptState.LEASED, 0),
        "started": counts.get(AttemptState.SENDING, 0),
        "unknown": counts.get(AttemptState.UNCERTAIN, 0),
        "unreported": journal.unreported(),
        "paused_sims": sorted(journal.pauses()),
        "last_sync": journal.get("synced_at"),
    }


def _resume(options: argparse.Namespace) -> int:
    with closing(_existing(options)) as journal:
        journal.resume_sims()
    print("all SIMs are tried again")
    return OK


def _receive(options: argparse.Namespace) -> int:
    if not 0 < len(options.sender) <= MAX_SENDER or len(options.text) > MAX_TEXT:
        raise CliError(f"FROM takes 1 to {MAX_SENDER} characters, TEXT at most {MAX_TEXT}")
    with closing(_existing(options)) as journal:
        journal.receive(options.sender, options.text, options.sim)
    print("received; it is reported at the next call")
    return OK


def _reset(options: argparse.Namespace) -> int:
    with only_one(options.journal):
        if not options.journal.exists():
            raise CliError(f"no journal at {options.journal}: nothing to reset")
        with closing(Journal(options.journal, SystemClock())) as journal:
            return _become_new(journal, is_forced=options.force)


def _become_new(journal: Journal, *, is_forced: bool) -> int:
    if journal.set_aside_as is None and not is_forced:
        counts = journal.counts()
        open_attempts = counts.get(AttemptState.LEASED, 0) + counts.get(AttemptState.SENDING, 0)
        waiting = open_attempts + journal.unreported()
        if waiting:
            raise CliError(
                f"{waiting} messages or reports have not reached the server; `run` first, "
                "or --force: the server will show these messages as uncertain"
            )
    if journal.get("stopped") in SET_ASIDE:
        journal.unset("stopped")
        print("the phone is a new one now; pair it with a new code")
        return OK
    aside = journal.set_aside(stopped=None)
    print(f"the journal is now {aside}; the phone is a new one, pair it with a new code")
    return OK
