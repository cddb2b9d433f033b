"""`manage.py provision NAME`: an account with a licence and keys, printed once."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.management.base import CommandError

from licenses import keys, services
from licenses.models import Account, KeptSms
from licenses.scopes import GIVEN
from licenses.sending_hours import Week
from members import services as members
from members.audit import Actor
from members.models import Role
from smsgate.management.operator import OperatorCommand, scopes


def _hours(text: str) -> str:
    try:
        return str(Week.parse(text))
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError("write the date as YYYY-MM-DD") from None


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**31):
        raise ArgumentTypeError("a whole number, 0 or more")
    return int(text)


def _key_length(text: str) -> int:
    if text not in map(str, keys.LICENSE_KEY_LENGTHS):  # argparse's own words differ by version
        raise ArgumentTypeError(f"must be {' or '.join(map(str, keys.LICENSE_KEY_LENGTHS))}")
    return int(text)


def _one_line(error: ValidationError) -> str:
    """`name: This field cannot be blank.`; a rule between fields has no name of its own."""
    return "; ".join(
        " ".join(messages) if field == NON_FIELD_ERRORS else f"{field}: {' '.join(messages)}"
        for field, messages in error.message_dict.items()
    )


class Command(OperatorCommand):
    help = "Makes an account with a licence, an api_key and a credential, and prints the keys once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name", help="the account's name")
        parser.add_argument("--country", default="PL", help="ISO code; for numbers without +")
        parser.add_argument("--time-zone", default="Europe/Warsaw")
        parser.add_argument("--max-daily-sms", type=_limit, metavar="N", help="default: no limit")
        parser.add_argument(
            "--max-age-hours", type=_limit, metavar="N", default=Account.DEFAULT_MAX_AGE_HOURS,
            help="what no phone took so long after it was due expires; 0: never (default: 72)",
        )  # fmt: skip
        parser.add_argument("--sending-hours", type=_hours, metavar="HH:MM-HH:MM",
            help="also by days: Mo-Fr 09:00-12:00,13:00-18:00; Sa 10:00-14:00 (default: always)",
        )  # fmt: skip
        parser.add_argument(
            "--valid-until", type=_date, metavar="YYYY-MM-DD", help="the subscription's last day"
        )
        parser.add_argument(
            "--kept-sms", choices=KeptSms.values, default=KeptSms.KNOWN.value,
            help="received SMS that are kept: all, of numbers written to and keywords (default), none",
        )  # fmt: skip
        parser.add_argument(
            "--scopes", type=scopes, default="", metavar="SCOPE,…",
            help=f"what its keys may do: {', '.join(GIVEN)} (default: everything)",
        )  # fmt: skip
        parser.add_argument(
            "--owner",
            metavar="NAME",
            help="also print a link by which this person owns the account",
        )
        parser.add_argument("--inactive", action="store_true", help="make the licence inactive")
        parser.add_argument("--key-length", type=_key_length, default=12, metavar="N")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = services.provision(
                options["name"],
                key_length=options["key_length"],
                is_active=not options["inactive"],
                country=options["country"].upper(),
                time_zone=options["time_zone"],
                max_daily_sms=options["max_daily_sms"],
                max_age_hours=options["max_age_hours"] or None,
                kept_sms=options["kept_sms"],
                scopes=options["scopes"],
                sending_hours=options["sending_hours"] or "",
                valid_until=options["valid_until"],
            )
        except ValidationError as error:
            raise CommandError(_one_line(error)) from None
        shown = asdict(made)
        if options["owner"]:
            invited = members.invite(made.account_id, options["owner"], Role.OWNER, Actor(None))
            shown["owner_link"] = members.link(invited.token)
        self.show(shown, as_json=options["json"])
        if not options["json"]:
            self.stdout.write("Shown once: only digests of the keys are kept.")
