"""Values of a recipient in a text: `{name}` in a contact's message, each `{…}` of a template, `${…}` in
a dialect's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from http_api.errors import ApiError
from messaging.segments import LONGEST, MAX_PARTS, at_least_parts

_NAME = re.compile(r"\{(name)\}")
_VARIABLE = re.compile(r"\{([^{}]*)\}")


class TooLong(ValueError):
    """With its values the text would have so many characters (`length`)."""

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length


def render(
    template: str, placeholder: re.Pattern[str], values: Mapping[str, str], *, longest: int
) -> str:
    """Substitute each placeholder by its value, in one pass: a value is never expanded.

    The placeholder's first group names the value. Measured before it is built: a template of many
    placeholders times a long value is megabytes, for each recipient. Raise TooLong; KeyError for a
    value that is not there.
    """
    found = [(len(match[0]), values[match[1]]) for match in placeholder.finditer(template)]
    length = len(template) + sum(len(value) - written for written, value in found)
    if length > longest:
        raise TooLong(length)
    return placeholder.sub(lambda match: values[match[1]], template)


def variables(template: str) -> list[str]:
    """Return what stands in braces in a template, each once, in its order."""
    return list(dict.fromkeys(_VARIABLE.findall(template)))


def fixed_text(template: str) -> str:
    """Return what a template has beside its variables: the least that each of its texts has."""
    return _VARIABLE.sub("", template)


def missing(template: str, values: Mapping[str, str]) -> list[str]:
    """Return the variables of a template that have no value here, or a blank one."""
    return [name for name in variables(template) if not values.get(name, "").strip()]


class MessagePersonalizationService:
    """Puts a contact's values into a text."""

    def render(self, template: str, *, name: str) -> str:
        """Every `{name}` replaced, once: other braces survive. Raises ApiError for a monster."""
        return _bounded(template, _NAME, {"name": name})

    def render_strictly(self, template: str, values: Mapping[str, str]) -> str:
        """Every `{…}` replaced, once. Raises ApiError, in `variables`, rather than leave a hole."""
        if names := missing(template, values):
            raise ApiError.of_field("variables", f"there is no value for {in_braces(names)}")
        return _bounded(template, _VARIABLE, values)


def in_braces(names: Iterable[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)


def _bounded(template: str, placeholder: re.Pattern[str], values: Mapping[str, str]) -> str:
    try:
        return render(template, placeholder, values, longest=LONGEST)
    except TooLong as error:
        parts = at_least_parts(error.length)
        raise ApiError.of_field(
            "message",
            f"has at least {parts} parts with its values; an SMS may have at most {MAX_PARTS}",
        ) from None
