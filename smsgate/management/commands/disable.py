"""`manage.py disable LICENSE_ID`: switch off a licence, its account's api_keys, or one phone."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from licenses import services, tokens
from licenses.models import Device
from smsgate.management.operator import OperatorCommand


class Command(OperatorCommand):
    help = "Switches off a licence; or only its api_keys, credentials, hook links, or one phone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("license_id", type=int)
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--api-keys", action="store_true", help="only the account's api_keys")
        what.add_argument("--credentials", action="store_true", help="only its credentials")
        what.add_argument("--hooks", action="store_true", help="only its hook links")
        what.add_argument("--device", type=int, metavar="ID", help="only this phone: unpair it")

    def handle(self, *args: Any, **options: Any) -> None:
        license = self.license(options["license_id"])
        if options["api_keys"]:
            number = license.account.api_keys.filter(is_active=True).update(is_active=False)
            done = {"disabled_api_keys": number}
        elif options["credentials"]:
            number = license.credentials.filter(is_active=True).update(is_active=False)
            done = {"disabled_credentials": number}
        elif options["hooks"]:
            done = {"revoked_hooks": tokens.revoke_hooks(license)}
        elif options["device"] is not None:
            device = Device.objects.filter(license=license, pk=options["device"]).first()
            if device is None:
                raise CommandError(f"licence {license.pk} has no device {options['device']}")
            services.revoke(device)
            done = {"revoked_device": device.pk}
        else:
            services.switch(license, is_active=False)
            done = {"disabled_license": license.pk}
        self.show(done, as_json=options["json"])
