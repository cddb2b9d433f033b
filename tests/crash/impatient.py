"""The server's webhooks with shorter times: a round lasts seconds, and a receiver is tried for days."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig

RETRY_SECONDS = 8


class Impatient(AppConfig):
    name = "tests.crash.impatient"
    label = "impatient"

    def ready(self) -> None:
        from http_api import outgoing
        from webhooks import delivery, due, health

        retries = (RETRY_SECONDS / 60,) * len(due.RETRY_MINUTES)  # each longer than a run
        shorter: dict[Any, dict[str, Any]] = {
            outgoing: {"SECONDS": 2.0},
            delivery: {"_RUN_SECONDS": 3.0},
            due: {"RETRY_MINUTES": retries, "TRIES": 1_000},
            health: {"TRIES": 1_000, "_LONGEST_REST": RETRY_SECONDS / 60},
        }
        for module, changes in shorter.items():
            vars(module).update(changes)
