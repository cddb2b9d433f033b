"""What the operator's commands share: one clear line for every mistake, JSON or words as output."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError

from licenses.models import License


class OperatorCommand(BaseCommand):
    """A command that works on the data of the running service."""

    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except OperationalError:
            raise CommandError("the database does not answer; start it with `make up`") from None
        except ProgrammingError:
            raise CommandError("the database is not set up yet; start `make up` once") from None

    def show(self, values: Mapping[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(values))
            return
        width = max(map(len, values))
        for name, value in values.items():
            self.stdout.write(f"{name.replace('_', ' '):<{width}}  {value}")

    def license(self, number: int) -> License:
        found = License.objects.select_related("account").filter(pk=number).first()
        if found is None:
            raise CommandError(f"there is no licence {number}; the admin lists them")
        return found
