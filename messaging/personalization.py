"""Values of a recipient in a text: `{name}` in a contact's message, `${…}` in a dialect's."""

from __future__ import annotations

import re
from collections.abc import Mapping

from http_api.errors import ApiError
from messaging.segments import LONGEST, MAX_PARTS, at_least_parts

_NAME = re.compile(r"\{(name)\}")


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


class MessagePersonalizationService:
    """Puts a contact's values into a text."""

    def render(self, template: str, *, name: str) -> str:
        """Every `{name}` replaced, once: other braces survive. Raises ApiError for a monster."""
        try:
            return render(template, _NAME, {"name": name}, longest=LONGEST)
        except TooLong as error:
            parts = at_least_parts(error.length)
            raise ApiError.of_field(
                "message",
                f"has at least {parts} parts with the name in it; an SMS may have at most {MAX_PARTS}",
            ) from None
