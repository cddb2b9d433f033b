"""How many SMS parts a text takes. Source: 3GPP TS 23.038 (alphabets), TS 23.040 (concatenation)."""

from __future__ import annotations

from dataclasses import dataclass

MAX_PARTS = 10

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = "\f^{}\\[~]|€"  # each takes an escape septet before it

_SEPTETS = dict.fromkeys(_BASIC, 1) | dict.fromkeys(_EXTENSION, 2)
_ONE_SEPTET = frozenset(_BASIC)
_GSM = frozenset(_SEPTETS)

_GSM_SINGLE, _GSM_PART = 160, 153  # septets
_UCS2_SINGLE, _UCS2_PART = 70, 67  # UTF-16 code units


@dataclass(frozen=True, slots=True)
class Segmentation:
    encoding: str  # "gsm7" or "ucs2"
    parts: int


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
