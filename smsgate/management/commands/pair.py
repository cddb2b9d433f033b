"""`manage.py pair LICENSE_ID`: a one-time code for a phone, its link and QR."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from http_api.times import utc
from licenses import services
from licenses.models import Device
from licenses.pairing import pairing_link, scannable
from smsgate.management.operator import OperatorCommand


class Command(OperatorCommand):
    help = "Makes a pairing code for a phone: good for one phone and ten minutes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("license_id", type=int)
        parser.add_argument(
            "--device",
            type=int,
            metavar="ID",
            help="the known phone whose new install this is; what the old one held gets uncertain",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        license = self.license(options["license_id"])
        replaces = None
        if options["device"] is not None:
            replaces = Device.objects.filter(license=license, pk=options["device"]).first()
            if replaces is None:
                raise CommandError(f"licence {license.pk} has no device {options['device']}")
        made = services.new_pairing_code(license, replaces=replaces)
        link = pairing_link(made.code)
        values = {
            "code": made.code,
            "link": link,
            "expires_at": utc(made.expires_at),
        }
        self.show(values, as_json=options["json"])
        if not options["json"]:
            self.stdout.write(f"\n{scannable(link)}")
