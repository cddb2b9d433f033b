"""`manage.py hook LICENSE_ID`: a hook link, for programs that have nothing but a URL field; with
`--to NUMBER` or `--group NAME` an alert link, whose calls name no recipient."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from contacts import alerts
from http_api.errors import ApiError
from licenses import tokens
from smsgate.management.operator import OperatorCommand


class Command(OperatorCommand):
    help = "Makes a hook link: whoever has this URL can send through the licence's phones."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("license_id", type=int)
        parser.add_argument(
            "--to", metavar="NUMBER", action="append", default=[],
            help="an alert link: each call sends to this number; may be given several times",
        )  # fmt: skip
        parser.add_argument(
            "--group", metavar="NAME", default="",
            help="an alert link: each call sends to who is in this group by then",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        license, is_alert = self.license(options["license_id"]), options["to"] or options["group"]
        try:
            token = (
                alerts.new_link(license, options["to"], options["group"])
                if is_alert
                else tokens.new_hook(license)
            )
        except ApiError as error:
            raise CommandError(error.message) from None
        url = tokens.hook_link(token)
        self.show({"token": token, "url": url}, as_json=options["json"])
        if not options["json"]:
            phone = "" if is_alert else "phone=+48123456789&"
            self.stdout.write(
                f"\nAdd what to send: {url}?{phone}message=Hello\n"
                "Shown once; revoke it in the admin (Hook links) or with `disable --hooks`."
            )
