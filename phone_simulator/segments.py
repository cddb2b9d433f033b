"""How many SMS parts a text takes: 3GPP TS 23.038 (alphabets) and TS 23.040 (concatenation)."""

from __future__ import annotations

from protocol import SEGMENTS

_GSM7, _UCS2 = SEGMENTS["gsm7"], SEGMENTS["ucs2"]
_BASIC = frozenset(_GSM7["basic"])
_EXTENDED = frozenset(_GSM7["extended"])  # each takes an escape before it: two septets


def count_parts(text: str) -> int:
    """Return the number of parts, at least 1: the empty text is one part as well."""
    if all(character in _BASIC or character in _EXTENDED for character in text):
        sizes = [2 if character in _EXTENDED else 1 for character in text]
        return _fill(sizes, _GSM7["alone"], _GSM7["part"])  # septets
    sizes = [2 if ord(character) > 0xFFFF else 1 for character in text]
    return _fill(sizes, _UCS2["alone"], _UCS2["part"])  # UTF-16 code units


def _fill(sizes: list[int], alone: int, part: int) -> int:
    """Return the parts that these take: neither an escape nor a surrogate pair is split over two."""
    if sum(sizes) <= alone:
        return 1
    parts, used = 1, 0
    for size in sizes:
        if used + size > part:
            parts, used = parts + 1, 0
        used += size
    return parts
