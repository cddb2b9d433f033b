"""Templates: texts with names, in which each `{…}` is the value of a recipient, or nothing is sent.

They are of this app since a variable is what a contact has: a name, and fields of the account's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from contacts.models import Contact, Template
from contacts.people import NAME, field_problem
from http_api import clock
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError, or_not_found
from messaging import locks
from messaging.drafts import segmented
from messaging.personalization import (
    MessagePersonalizationService,
    fixed_text,
    in_braces,
    missing,
    variables,
)
from messaging.segments import Segmentation, beyond_gsm7

MOST = 500  # of an account
_LOOKED_AT = (
    1_000  # contacts, the newest ones, to say what variables there are and how long they get
)


def templates(account_id: int) -> QuerySet[Template]:
    return Template.objects.filter(account_id=account_id)


def find(account_id: int, template_id: int) -> Template:
    """Raise ApiError `not_found`, also for another account's."""
    return or_not_found(templates(account_id).filter(pk=template_id).first(), "template")


@transaction.atomic
def save(
    account_id: int,
    template_id: int | None,
    *,
    by: str,
    name: str | None = None,
    text: str | None = None,
) -> Template:
    """Make a template of this name and text, or change what is given. Return it.

    Raise ApiError: `not_found`; `conflict` where another has the name; `invalid` where a text cannot be
    sent whatever its values, where what stands in braces is no variable, and above MOST.
    """
    locks.lock_account(account_id)
    now = clock.now()
    if template_id is not None:
        template = find(account_id, template_id)
    elif templates(account_id).count() < MOST:
        template = Template(account_id=account_id, created_at=now)
    else:
        raise ApiError.of_field("name", f"there are {MOST} templates already: delete one first")
    template.name = template.name if name is None else name
    template.text = template.text if text is None else text
    template.changed_at, template.changed_by = now, by
    _check(template)
    template.save()
    return template


def _check(template: Template) -> None:
    others = templates(template.account_id).filter(name=template.name).exclude(pk=template.pk)
    if taken := others.first():
        words = f"another template has this name; its id is {taken.pk}"
        raise ApiError.of_field("name", words, code=ErrorCode.CONFLICT)
    if bad := bad_variables(template.text):
        raise ApiError.of_field("text", f"{in_braces(bad)[:80]}: no contact can have such a field")
    try:
        segmented(fixed_text(template.text))
    except ApiError as error:
        raise ApiError.of_field("text", *error.errors["message"]) from None


def bad_variables(text: str) -> list[str]:
    """Return what stands in braces and can be the name of no field."""
    return [name for name in variables(text) if name != NAME and field_problem(name)]


def delete(account_id: int, template_id: int) -> None:
    """Raise ApiError `not_found`."""
    find(account_id, template_id).delete()


def values_of(account_id: int, phone: str) -> dict[str, str]:
    """Return the values of the contact who has this number; of nobody none."""
    found = Contact.objects.filter(account_id=account_id, phone=phone).first()
    return {} if found is None else {**found.fields, NAME: found.name}


def render(template: Template, known: Mapping[str, str], given: Mapping[str, str]) -> str:
    """Return the text with these values, of which what was given comes before what is known.

    Raise ApiError, `invalid` in `variables`: one has no value, or a value is given for what is none.
    """
    has = variables(template.text)
    if unknown := [name for name in given if name not in has]:
        there_are = f"there are {in_braces(has)}" if has else "it has none"
        words = f"this template has no variable {in_braces(unknown)}; {there_are}"
        raise ApiError.of_field("variables", words)
    return MessagePersonalizationService().render_strictly(template.text, {**known, **given})


class Outlook(NamedTuple):
    """A text as it would be for somebody with long values."""

    text: str
    segmentation: Segmentation
    unknown: list[str]  # variables that none of the newest contacts has


def outlook(account_id: int, text: str) -> Outlook:
    """Judge a text by the values of the account's newest contacts. What they lack stays in its braces.

    Raise ApiError `invalid` where it is too long with them.
    """
    values = longest_values(account_id)
    unknown = missing(text, values)
    stand_ins = {name: f"{{{name}}}" for name in unknown}
    service = MessagePersonalizationService()
    shown = service.render_strictly(text, {**values, **stand_ins})
    return Outlook(shown, segmented(shown), unknown)


def longest_values(account_id: int) -> dict[str, str]:
    """Return, for each variable that the newest contacts have, the value that takes most room: a letter
    beyond GSM weighs more than any length."""
    newest = Contact.objects.filter(account_id=account_id).order_by("-pk")
    longest: dict[str, str] = {}
    for name, fields in newest.values_list("name", "fields")[:_LOOKED_AT]:
        for variable, value in {**fields, NAME: name}.items():
            longest[variable] = max(longest.get(variable, ""), value, key=_room)
    return longest


def _room(value: str) -> tuple[bool, int]:
    return bool(beyond_gsm7(value)), len(value)
