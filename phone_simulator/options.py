"""The command line's arguments."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

DIE_POINTS = ("claim", "reply", "accept", "journal", "radio", "result")

_EPILOG = """exit codes: 0 done; 1 it did not work; 2 wrong arguments; 3 the phone must be paired
(again); 4 the journal was corrupt or a copy, and is set aside; 86 died on purpose (--die-after)"""


class _Parser(argparse.ArgumentParser):
    """A mistake is one line: the usage of `run` alone would fill half a screen above it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; --help shows more\n")


def make_parser(prog: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=prog,
        description="A whole phone with a pretended SIM: pairs, fetches messages, “sends” them "
        "and reports, exactly as the Android agent does.",
        epilog=_EPILOG,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_pair(commands)
    _add_run(commands)
    _add_others(commands)
    return parser


def _add_command(
    commands: argparse._SubParsersAction[_Parser], name: str, summary: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=summary, epilog=_EPILOG)
    parser.add_argument(
        "--journal",
        type=Path,
        default=Path("phone.sqlite3"),
        metavar="FILE",
        help="the phone's memory (default: ./phone.sqlite3); one file is one phone",
    )
    return parser


def _add_pair(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = _add_command(commands, "pair", "Pair with a server, by its link or one-time code.")
    parser.add_argument("link", metavar="LINK_OR_CODE", help="http(s)://HOST/pair/#CODE, or CODE")
    parser.add_argument("--server", metavar="URL", help="needed with a bare code")
    parser.add_argument("--name", default="shipped phone", help="what the owner sees")
    _add_sims(parser)


def _add_run(commands: argparse._SubParsersAction[_Parser]) -> None:
    parser = _add_command(commands, "run", "Fetch, send and report, until interrupted.")
    parser.add_argument(
        "--until-idle", action="store_true", help="end when all is sent, reported and acknowledged"
    )
    parser.add_argument(
        "--max-seconds", type=_positive, metavar="S", help="end after that many real seconds"
    )
    parser.add_argument(
        "--speed", type=_positive, default=1.0, metavar="N",
        help="let the phone's clock run N times as fast (60: a minute a second)",
    )  # fmt: skip
    parser.add_argument(
        "--no-long-poll", action="store_true", help="only poll, as often as the server says"
    )
    parser.add_argument("--verbose", action="store_true", help="show every step")
    _add_sims(parser)
    _add_sim_card(parser)
    _add_faults(parser)


def _add_sim_card(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the pretended SIM (rates are probabilities per part)")
    group.add_argument(
        "--outbox", type=Path, metavar="FILE", help="append every SMS to this file, as JSON lines"
    )
    group.add_argument("--fail-rate", type=_rate, default=0.0, metavar="P", help="it cannot send")
    group.add_argument(
        "--fail-nth", type=int, action="append", default=[], metavar="N",
        help="it cannot send the N-th message (may be repeated)",
    )  # fmt: skip
    group.add_argument(
        "--undelivered-rate", type=_rate, default=0.0, metavar="P", help="sent, not delivered"
    )
    group.add_argument(
        "--silent-rate", type=_rate, default=0.0, metavar="P",
        help="sent, and the radio never says so",
    )  # fmt: skip
    group.add_argument(
        "--no-delivery-reports", action="store_true", help="the network reports no delivery"
    )
    group.add_argument(
        "--sent-after", type=_seconds, default=2.0, metavar="S", help="the radio answers after S"
    )
    group.add_argument(
        "--delivered-after", type=_seconds, default=3.0, metavar="S", help="the network, S later"
    )
    group.add_argument(
        "--blocked", metavar="CODE", help="why nothing can be sent: no_service, radio_off…"
    )


def _add_faults(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("faults (P is a probability per request)")
    group.add_argument(
        "--die-after", type=_die_point, metavar="POINT[:N]",
        help=f"exit at once, at the N-th time (default 1) of {', '.join(DIE_POINTS)}",
    )  # fmt: skip
    for flag, meaning in (
        ("--lose-requests", "the server never sees it"),
        ("--lose-replies", "the server did it, the phone never hears of it"),
        ("--duplicate", "the server sees it twice"),
        ("--cut", "half of the reply is missing"),
        ("--late", "the reply comes 20 minutes later by the phone's clock"),
    ):
        group.add_argument(flag, type=_rate, default=0.0, metavar="P", help=meaning)
    group.add_argument("--reorder", action="store_true", help="reports stand in any order")
    group.add_argument(
        "--skew", type=float, default=0.0, metavar="SECONDS", help="the wall clock is wrong"
    )
    group.add_argument(
        "--reboot", action="store_true", help="begin as if the phone had just been rebooted"
    )
    group.add_argument(
        "--journal-pages", type=int, metavar="N", help="the disk is full at N pages of 4 KiB"
    )
    group.add_argument("--seed", type=int, default=0, metavar="N", help="of all chances above")


def _add_others(commands: argparse._SubParsersAction[_Parser]) -> None:
    status = _add_command(commands, "status", "Show what the phone holds and has to report.")
    status.add_argument("--json", action="store_true", help="for programs")
    _add_command(
        commands, "resume", "Try SIMs again that are paused since they could not send: as Sync now."
    )
    receive = _add_command(
        commands, "receive", "Pretend that an SMS came in; it is reported at the next call."
    )
    receive.add_argument("sender", metavar="FROM")
    receive.add_argument("text", metavar="TEXT")
    receive.add_argument("--sim", type=int, default=0, metavar="SLOT")
    reset = _add_command(
        commands, "reset", "Forget everything: the journal is set aside, the phone is a new one."
    )
    reset.add_argument(
        "--force", action="store_true", help="even with messages or reports the server waits for"
    )


def _add_sims(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sims", type=int, choices=(1, 2), default=1, help="how many SIM cards")


def _rate(text: str) -> float:
    return _number(text, "a number from 0 to 1", lambda value: 0 <= value <= 1)


def _positive(text: str) -> float:
    return _number(text, "a number above 0", lambda value: 0 < value < float("inf"))


def _seconds(text: str) -> float:
    return _number(text, "a number, 0 or more", lambda value: 0 <= value < float("inf"))


def _number(text: str, expected: str, fits: Callable[[float], bool]) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not fits(value):
        raise argparse.ArgumentTypeError(f"expected {expected}")
    return value


def _die_point(text: str) -> tuple[str, int]:
    name, _, count = text.partition(":")
    if name not in DIE_POINTS:
        raise argparse.ArgumentTypeError(f"must be one of {', '.join(DIE_POINTS)}")
    if count and not (count.isdigit() and int(count) > 0):
        raise argparse.ArgumentTypeError("the number after the colon counts from 1")
    return name, int(count or 1)
