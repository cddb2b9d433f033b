"""How many SMS parts a text takes: 3GPP TS 23.038 (alphabets) and TS 23.040 (concatenation)."""

from __future__ import annotations

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")  # each takes an escape before it: two septets

_GSM7_ALONE, _GSM7_PART = 160, 153  # septets
_UCS2_ALONE, _UCS2_PART = 70, 67  # UTF-16 code units


def count_parts(text: str) -> int:
    """Number of parts, at least 1: the empty text is one part as well."""
    if all(character in _BASIC or character in _EXTENDED for character in text):
        sizes = [2 if character in _EXTENDED else 1 for character in text]
        return _fill(sizes, _GSM7_ALONE, _GSM7_PART)
    sizes = [2 if ord(character) > 0xFFFF else 1 for character in text]
    return _fill(sizes, _UCS2_ALONE, _UCS2_PART)


def _fill(sizes: list[int], alone: int, part: int) -> int:
    """Neither an escape nor a surrogate pair is ever split, so a part may stay one unit short."""
    if sum(sizes) <= alone:
        return 1
    parts, used = 1, 0
    for size in sizes:
        if used + size > part:
            parts, used = parts + 1, 0
        used += size
    return parts
