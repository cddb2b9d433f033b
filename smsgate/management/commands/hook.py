"""`manage.py hook LICENSE_ID`: a hook link, for programs that have nothing but a URL field."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from licenses import tokens
from smsgate.management.operator import OperatorCommand


class Command(OperatorCommand):
    help = "Makes a hook link: whoever has this URL can send through the licence's phones."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("license_id", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        token = tokens.new_hook(self.license(options["license_id"]))
        url = tokens.hook_link(token)
        self.show({"token": token, "url": url}, as_json=options["json"])
        if not options["json"]:
            self.stdout.write(
                f"\nAdd what to send: {url}?phone=+48123456789&message=Hello\n"
                "Shown once; revoke it in the admin (Hook links) or with `disable --hooks`."
            )
