"""`manage.py person export|erase ACCOUNT_ID`: what is kept of one person, and their erasure.

The number is asked for: arguments stand in the list of processes and in the shell's history.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from getpass import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from http_api.errors import ApiError
from licenses.models import Account
from members import audit
from members.audit import Action, Actor
from messaging.phone import InvalidPhone, parse_phone
from privacy import erasing, exporting
from smsgate.management.operator import OperatorCommand


class Command(OperatorCommand):
    help = "Writes all that is kept of one person into a file, or erases it; asks for the number."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("what", choices=["export", "erase"])
        parser.add_argument("account_id", type=int)
        parser.add_argument("--file", default="person.zip", help="of the export (person.zip)")

    def handle(self, *args: Any, **options: Any) -> None:
        account = Account.objects.filter(pk=options["account_id"]).first()
        if account is None:
            raise CommandError(f"there is no account {options['account_id']}")
        typed = getpass("Number: ") if sys.stdin.isatty() else sys.stdin.readline()
        try:
            phone = parse_phone(typed.strip(), account.country)
            done = self._export if options["what"] == "export" else self._erase
            self.show(done(account, phone, Path(options["file"])), as_json=options["json"])
        except (InvalidPhone, ApiError) as error:
            raise CommandError(str(error)) from None

    def _export(self, account: Account, phone: str, file: Path) -> dict[str, Any]:
        found = exporting.collect(account.pk, phone)
        with transaction.atomic():
            audit.record(account.pk, Actor(None), Action.PERSON_EXPORTED)
        file.touch(mode=0o600)
        file.write_bytes(exporting.as_zip(found, account.name))
        return {
            "file": str(file),
            "messages": len(found["messages"]),
            "received": len(found["received"]),
        }

    def _erase(self, account: Account, phone: str, file: Path) -> dict[str, Any]:
        with transaction.atomic():
            begun = erasing.erase(account.pk, phone, by=Actor(None).name)
            audit.record(account.pk, Actor(None), Action.PERSON_ERASED, object_id=begun.pk)
        return {"erasure": begun.pk, "state": "begun", "under_way": begun.under_way}
