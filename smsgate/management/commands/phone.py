"""`manage.py phone …`: the shipped phone. All its arguments belong to `phone_simulator.cli`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from phone_simulator.cli import main


class Command(BaseCommand):
    help = "A whole phone with a pretended SIM: pair, run, status, receive, reset."
    requires_system_checks: list[str] = []  # it speaks only HTTP: no database

    def run_from_argv(self, argv: list[str]) -> None:
        sys.exit(main(argv[2:], prog=f"{Path(argv[0]).name} phone"))

    def print_help(self, prog_name: str, subcommand: str) -> None:
        main(["--help"], prog=f"{Path(prog_name).name} {subcommand}")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("arguments", nargs="*")

    def handle(self, *args: Any, **options: Any) -> None:
        """For `call_command("phone", "run", …)`."""
        if code := main(options["arguments"]):
            sys.exit(code)
