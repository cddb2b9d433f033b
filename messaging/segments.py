"""How many SMS parts a text takes. Source: 3GPP TS 23.038 (alphabets), TS 23.040 (concatenation)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from protocol import SEGMENTS

MAX_PARTS = 10

_GSM7, _UCS2 = SEGMENTS["gsm7"], SEGMENTS["ucs2"]
_BASIC: str = _GSM7["basic"]
_EXTENSION: str = _GSM7["extended"]  # each takes an escape septet before it

_SEPTETS = dict.fromkeys(_BASIC, 1) | dict.fromkeys(_EXTENSION, 2)
_ONE_SEPTET = frozenset(_BASIC)
_GSM = frozenset(_SEPTETS)

_GSM_SINGLE, _GSM_PART = int(_GSM7["alone"]), int(_GSM7["part"])  # septets
_UCS2_SINGLE, _UCS2_PART = int(_UCS2["alone"]), int(_UCS2["part"])  # UTF-16 code units

# The same for a page's counter.
ALPHABETS = {
    "basic": _BASIC, "extension": _EXTENSION, "alone": _GSM_SINGLE, "part": _GSM_PART,
    "wideAlone": _UCS2_SINGLE, "widePart": _UCS2_PART,
}  # fmt: skip

# Characters of which the parts are worth counting: ten times what can be sent at all.
LONGEST = 10 * MAX_PARTS * _GSM_PART


def at_least_parts(characters: int) -> int:
    """Return the fewest parts of a text that is this long, more than one part, in any alphabet."""
    return -(-characters // _GSM_PART)


@dataclass(frozen=True, slots=True)
class Segmentation:
    encoding: str  # "gsm7" or "ucs2"
    parts: int


@lru_cache(maxsize=16)  # of a text to many it is asked for each of them
def segment(text: str) -> Segmentation:
    """Encoding and number of parts; the empty text is one part.

    An escape sequence and a surrogate pair never straddle two parts, so a long text can take one
    part more than its length alone would say.
    """
    characters = set(text)
    if characters <= _ONE_SEPTET:
        return Segmentation("gsm7", _parts_of_units(len(text), _GSM_SINGLE, _GSM_PART))
    if characters <= _GSM:
        costs = [_SEPTETS[character] for character in text]
        return Segmentation("gsm7", _parts(costs, _GSM_SINGLE, _GSM_PART))
    costs = [2 if ord(character) > 0xFFFF else 1 for character in text]
    return Segmentation("ucs2", _parts(costs, _UCS2_SINGLE, _UCS2_PART))


def beyond_gsm7(text: str) -> list[str]:
    """Return the characters for which a text is UCS-2, each once."""
    return [character for character in dict.fromkeys(text) if character not in _GSM]


def _parts_of_units(length: int, single: int, part: int) -> int:
    return 1 if length <= single else -(-length // part)


def _parts(costs: list[int], single: int, part: int) -> int:
    if sum(costs) <= single:
        return 1
    parts, used = 1, 0
    for cost in costs:
        if used + cost > part:
            parts, used = parts + 1, 0
        used += cost
    return parts


def beginning(text: str, parts: int) -> str:
    """Return the longest prefix of the text that fits into so many parts, in at most two passes."""
    plain = next((n for n, character in enumerate(text) if character not in _GSM), len(text))
    septets = [_SEPTETS[character] for character in text[:plain]]
    longest = _fitting(septets, parts, _GSM_SINGLE, _GSM_PART)
    if plain < len(text):  # with its first letter beyond GSM the whole of it is UCS-2
        units = [2 if ord(character) > 0xFFFF else 1 for character in text]
        longest = max(longest, _fitting(units, parts, _UCS2_SINGLE, _UCS2_PART))
    return text[:longest]


def _fitting(costs: list[int], parts: int, single: int, part: int) -> int:
    """Return how many characters, of these costs in septets or UCS-2 units, fit into so many parts."""
    capacity = single if parts == 1 else part
    begun, used = 1, 0
    for count, cost in enumerate(costs):
        if used + cost > capacity:
            begun, used = begun + 1, 0
        if begun > parts:
            return count
        used += cost
    return len(costs)
