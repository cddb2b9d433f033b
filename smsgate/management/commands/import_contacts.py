"""`manage.py import_contacts LICENSE_ID`: the contacts of a Bitrix24 portal, by an incoming webhook."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.core.management.base import CommandError

from bitrix24 import calling, importing
from http_api.errors import ApiError
from http_api.outgoing import Unreachable
from smsgate.management.operator import OperatorCommand


class Command(OperatorCommand):
    help = "Imports the contacts of a Bitrix24 portal; asks for the URL of an incoming webhook."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("license_id", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        license = self.license(options["license_id"])
        # not an argument: those stand in the list of processes and in the shell's history
        typed = getpass("Incoming webhook: ") if sys.stdin.isatty() else sys.stdin.readline()
        url = f"{typed.strip().rstrip('/')}/"
        if not calling.is_webhook(url):
            raise CommandError("an incoming webhook is a URL like https://PORTAL/rest/1/SECRET/")
        try:
            done = importing.import_by_webhook(license, url)
        except ApiError as error:
            raise CommandError(error.message) from None
        except (calling.Refused, Unreachable) as error:
            raise CommandError(f"the portal: {error}; what came before that is imported") from None
        left_out = [{"id": id, "why": why} for id, why in done.refused]
        counts = {"created": done.created_count, "updated": done.updated_count}
        if options["json"]:
            self.show(counts | {"left_out": left_out}, as_json=True)
            return
        self.show(counts | {"left_out": len(left_out)}, as_json=False)
        for each in left_out:
            self.stdout.write(f"  contact {each['id']}: {each['why']}")
