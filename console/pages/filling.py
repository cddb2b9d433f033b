"""A template's text for one recipient, into the form that sends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from console.pages.parts import line, number
from contacts import people, templates
from contacts.models import Template
from http_api.errors import ApiError, or_not_found
from messaging.personalization import missing, variables

_OFFERED = 200
_VALUE = "value-"  # and the variable's name: a field for what the recipient lacks


@dataclass(frozen=True, slots=True)
class Filling:
    """The templates that a form offers, and what came of the one that was chosen."""

    offered: list[Template]
    chosen: int | None = None
    text: str | None = None  # with the recipient's values; None: none was chosen, or they lack some
    missing: list[str] = field(default_factory=list)
    is_too_long: bool = False

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Return what is asked for, each with the name of its field."""
        return [(name, f"{_VALUE}{name}") for name in self.missing]


def filling(request: HttpRequest, account_id: int, phone: str | None) -> Filling:
    """Fill the template that a form has chosen with the values of who has this number, and with what was
    typed in place of those that they lack. Raise ApiError `not_found`."""
    offered = list(templates.templates(account_id).order_by("name")[:_OFFERED])
    if "fill" not in request.POST:
        return Filling(offered)
    chosen = number(request.POST.get("template", ""))
    template = or_not_found(
        templates.templates(account_id).filter(pk=chosen).first() if chosen else None, "template"
    )
    values = _values(request, account_id, phone, template)
    if lacking := missing(template.text, values):
        return Filling(offered, template.pk, missing=lacking)
    try:
        return Filling(offered, template.pk, templates.render(template, values, {}))
    except ApiError:
        return Filling(offered, template.pk, is_too_long=True)


def _values(
    request: HttpRequest, account_id: int, phone: str | None, template: Template
) -> dict[str, Any]:
    typed = {
        name: value
        for name in variables(template.text)
        if (value := line(request, f"{_VALUE}{name}", people.LONGEST))
    }
    return {**(templates.values_of(account_id, phone) if phone else {}), **typed}
