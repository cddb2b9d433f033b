"""The protocol of server and phones, as data: README.md says what is where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / name).read_text("utf-8"))
    return content


_CONSTANTS = _read("constants.json")
EVENTS = _read("events.json")
SEGMENTS = _read("segments.json")

# Codes that speak of the message or its recipient: the SIM may well send another one.
NOT_THE_SIM: frozenset[str] = frozenset(EVENTS["codes"]["not_the_sim"])


def constant(name: str) -> int:
    """Return this constant. Raises KeyError."""
    return int(_CONSTANTS[name]["value"])


def constant_list(name: str) -> tuple[int, ...]:
    """Return this list of constants. Raises KeyError."""
    return tuple(_CONSTANTS[name]["value"])
