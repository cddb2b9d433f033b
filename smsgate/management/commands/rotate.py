"""`manage.py rotate LICENSE_ID`: new keys in place of old ones, which end at once or in a while."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from licenses import services
from licenses.scopes import GIVEN
from smsgate.management.operator import OperatorCommand, scopes


def _hours(text: str) -> dt.timedelta:
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise ArgumentTypeError("a whole number of hours, up to 9999")
    return dt.timedelta(hours=int(text))


class Command(OperatorCommand):
    help = (
        "Makes new keys in place of old ones, which are void at once or after --overlap; say which."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("license_id", type=int)
        parser.add_argument("--license-key", action="store_true")
        parser.add_argument(
            "--api-key", action="store_true", help="all api_keys of the licence's account"
        )
        parser.add_argument("--credential", action="store_true", help="username, password, token")
        parser.add_argument(
            "--webhook-secret", action="store_true", help="of the licence's account"
        )
        parser.add_argument(
            "--overlap", type=_hours, metavar="HOURS", default=services.AT_ONCE,
            help="how long the old keys work on, so that programs can be changed one by one",
        )  # fmt: skip
        parser.add_argument(
            "--scopes", type=scopes, metavar="SCOPE,…",
            help=f"what the licence's keys may do from now on, '' for everything: {', '.join(GIVEN)}",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        license = self.license(options["license_id"])
        made: dict[str, str] = {}
        if options["scopes"] is not None:
            services.set_scopes(license, options["scopes"])
            made["scopes"] = license.scopes or "everything"
        if options["license_key"]:
            made["license_key"] = services.rotate_license_key(license, options["overlap"])
        if options["api_key"]:
            made["api_key"] = services.rotate_api_keys(license.account, options["overlap"])
        if options["credential"]:
            made |= asdict(services.rotate_credential(license, options["overlap"]))
        if options["webhook_secret"]:
            made["webhook_secret"] = services.rotate_webhook_secret(license.account)
        if not made:
            raise CommandError(
                "say what to rotate: --license-key, --api-key, --credential or --webhook-secret; or"
                " what the keys may do: --scopes"
            )
        self.show(made, as_json=options["json"])
