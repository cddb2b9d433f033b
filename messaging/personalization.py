"""`{name}` in a contact's message."""

from __future__ import annotations


class MessagePersonalizationService:
    """Puts a contact's values into a text (document 000 calls it by this name)."""

    def render(self, template: str, *, name: str) -> str:
        """Every `{name}` replaced, once: other braces survive, and a name is never expanded."""
        return template.replace("{name}", name)
