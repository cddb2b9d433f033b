"""`manage.py phone …`: the shipped phone. It reads its own arguments and needs no database."""

import sys

from django.core.management.base import BaseCommand

from phone.cli import main


class Command(BaseCommand):
    help = "A whole phone in a program, with a pretended SIM: pair, run, status, receive, reset."

    def run_from_argv(self, argv: list[str]) -> None:
        sys.exit(main(argv[2:], prog=f"{argv[0]} {argv[1]}"))
