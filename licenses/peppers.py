"""Is this pepper the one that the keys of this database were made with?

With another one every key and every phone's token is unknown, and a phone that hears so stops until a
person pairs it again. So the database holds a digest under each pepper, written when a web process
starts and has none yet, and nothing that reads keys starts with another.
"""

from __future__ import annotations

from django.conf import settings

from http_api.derivation import derived
from licenses.models import PepperCheck


class WrongPepper(Exception):
    """A pepper differs from this database's, or is missing; the message is one line for a person."""


def check() -> None:
    """Raise WrongPepper where a pepper is not the one that keys were made with."""
    for version, digest in PepperCheck.objects.order_by("version").values_list("version", "digest"):
        name = f"PEPPER_{version}"
        if version not in settings.PEPPERS:
            wrong = f"{name} is missing"
        elif digest != _digest(version):
            wrong = f"{name} is not the one that the keys in this database were made with"
        else:
            continue
        raise WrongPepper(
            f"{wrong}: give this process {name}, or the file secrets/{name.lower()} in its DATA_DIR,"
            " as the first installation or its backup has it (docs/operating.md, The data folder)"
        )


def check_and_note() -> None:
    """As `check`, and note the peppers that this database does not know yet. Where none is noted, as
    right after an upgrade, today's are taken for right: no stored digest could tell."""
    check()
    PepperCheck.objects.bulk_create(
        (PepperCheck(version=version, digest=_digest(version)) for version in settings.PEPPERS),
        ignore_conflicts=True,
    )


def _digest(version: int) -> str:
    return derived(version, "pepper", "the keys of this database").hex()
