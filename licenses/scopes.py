"""Scopes of a licence's keys: what whoever has them may do. None given: everything."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from django.core.exceptions import ValidationError

from http_api.error_codes import ErrorCode
from http_api.errors import ApiError


class Scope(StrEnum):
    SEND = "send"  # messages, also those to contacts
    READ = "read"  # what became of them
    INBOX = "inbox"  # received SMS
    CONTACTS = "contacts"  # and groups, and to opt somebody out
    MANAGE = "manage"  # cancel, decide about a doubtful message, take an opt-out back
    ANY = ""  # every key may: nobody learns anything or changes anything by it


GIVEN = tuple(scope.value for scope in Scope if scope)


def parse_scopes(text: str) -> str:
    """Return these scopes, separated by commas or spaces, as they are stored: in order, by spaces.

    Raises ValidationError.
    """
    named = text.replace(",", " ").split()
    if text.strip() and not named:  # a slip must not mean everything
        raise ValidationError(f"Name some of {', '.join(GIVEN)}, or nothing for everything.")
    if unknown := sorted(set(named) - set(GIVEN)):
        raise ValidationError(
            f"There is no scope {unknown[0]!r:.40}; there are {', '.join(GIVEN)}."
        )
    return " ".join(scope for scope in GIVEN if scope in named)


def check_scopes(text: str) -> None:
    """Raise ValidationError where this names anything but scopes."""
    parse_scopes(text)


def require(given: Collection[str] | None, scope: Scope) -> None:
    """Raise ApiError `scope_missing` where a key with these scopes (None: all) may not do this."""
    if scope and given is not None and scope not in given:
        words = f"This key may not do that: it lacks the scope `{scope}`."
        raise ApiError(ErrorCode.SCOPE_MISSING, words)
