"""The base of the operator's commands: one clear line for every mistake, JSON or words as output."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError, connections

from licenses import peppers
from licenses.models import License
from licenses.scopes import parse_scopes


def scopes(text: str) -> str:
    """Read `send,read`, for argparse."""
    try:
        return parse_scopes(text)
    except ValidationError as error:
        raise ArgumentTypeError(" ".join(error.messages)) from None


class OperatorCommand(BaseCommand):
    """A command that works on the data of the running service."""

    requires_system_checks = []
    migrates = False  # else it looks at the peppers itself, once the table is there
    suppressed_base_arguments = {  # understood, but not in --help: it shows this command's own
        "--version", "--verbosity", "--settings", "--pythonpath", "--traceback", "--no-color",
        "--force-color", "--skip-checks",
    }  # fmt: skip

    def run_from_argv(self, argv: list[str]) -> None:
        """As Django's, but a mistake is one line: no usage above it, no class name before it."""
        parser = self.create_parser(argv[0], argv[1])
        parser.called_from_command_line = False  # it raises then, and prints nothing
        try:
            options = vars(parser.parse_args(argv[2:]))
            self.execute(*options.pop("args", ()), **options)
        except CommandError as error:
            print(f"{parser.prog}: {str(error).removeprefix('Error: ')}", file=sys.stderr)
            sys.exit(error.returncode)
        finally:
            connections.close_all()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            if not self.migrates:
                peppers.check()
            return super().execute(*args, **options)
        except peppers.WrongPepper as error:
            raise CommandError(str(error)) from None
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
