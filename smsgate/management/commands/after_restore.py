"""`manage.py after_restore`: the rule that keeps a restored database from sending anything twice."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management import call_command

from http_api import clock
from licenses import peppers
from messaging.services import timelines
from messaging.services.restore import hold_what_may_have_been_sent
from smsgate.management.operator import OperatorCommand


class Command(OperatorCommand):
    migrates = True
    help = (
        "Run once after a PostgreSQL of your own was put back to an older state, before anything "
        "else starts: what may have been sent since becomes uncertain. `make restore` does it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--moved", action="store_true",
            help="only migrate: nothing has run since the backup was taken",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        peppers.check()
        if options["moved"]:
            held = {"uncertain": 0, "again": 0, "scheduled": 0}
        else:
            held = asdict(hold_what_may_have_been_sent(clock.now()))
        timelines.begin_without_doubt(clock.now())
        self.show(held, as_json=options["json"])
