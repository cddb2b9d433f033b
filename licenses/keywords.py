"""Keywords: what a recipient asks for with one word, STOP or START. Each account has its own lists."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from http_api.blanks import is_unseen

# Only words that can mean nothing else when they are the whole message. YES and NO are answers, and so
# is "wracam" (I am coming back).
DEFAULT_STOP_WORDS = (
    "stop, stopall, stop all, stop sms, unsubscribe, cancel, end, quit, optout, opt out, revoke, remove,"
    " rezygnuję, rezygnacja, wypisz, wypisz mnie, koniec, usuń, anuluj, stopp, abmelden, abbestellen,"
    " arrêt, arrêter, désabonner, désinscription, baja, cancelar, parar, sair, remover, cancella,"
    " annulla, disiscrivi, afmelden, uitschrijven, odhlásit, zrušit, konec, leiratkozás, dezabonare,"
    " стоп, отписаться, отписка, відписатися"
)
DEFAULT_START_WORDS = (
    "start, unstop, subscribe, resume, optin, opt in, wznów, zapisz, zapisz mnie, anmelden, reprendre,"
    " alta, reanudar, iniciar, riprendi, iscrivi, aanmelden, přihlásit, feliratkozás, старт,"
    " подписаться, підписатися"
)

_ALWAYS_STOPS = "stop"  # whatever the account's list says: the law and the networks know this word
_LONGEST = 100  # characters; a longer text is no keyword
_MOST = 500  # words of a list

_NOT_WORDS = re.compile(r"[\W_]+")
_BETWEEN_WORDS = re.compile(r"[,;\r\n]")  # of a list: people write one on each line, too
_SPELLED_OUT = re.compile(r"\w(?: \w)+")  # S T O P

# NFKD does not take these apart.
_UNDIVIDED = {"ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe"}

# Cyrillic and Greek letters that look like Latin ones: ЅТОР is read as STOP. Both sides are read so.
_LOOK_ALIKE = dict(zip("аеіјкморстухѕαεικμνορτυχ", "aeijkmopctyxsaeikmvoptyx", strict=True))

_LETTERS = str.maketrans(_UNDIVIDED | _LOOK_ALIKE)

# Letters in a shape for which Unicode has no decomposition: 🆂, 🅢, 🇸, ꜱ.
_SHAPED = re.compile(
    r"(?:NEGATIVE .*LATIN|REGIONAL INDICATOR|LATIN).* LETTER (?:SMALL CAPITAL )?([A-Z])"
)

Intent = Literal["stop", "start"]


def opt_out_intent(text: str, stop_words: str, start_words: str) -> Intent | None:
    """Return what this SMS asks for, if it is nothing but one word of these lists.

    Case, shape, diacritics and punctuation do not matter: `„Stop!”` and `𝐒𝐓𝐎𝐏` are STOP.
    """
    if len(text := text.strip()) > _LONGEST:
        return None
    word = _folded(text)
    if word == _ALWAYS_STOPS or word in _words(stop_words):
        return "stop"
    return "start" if word and word in _words(start_words) else None


def listed(text: str) -> list[str]:
    """Return the words of a list, as they were written."""
    return [word.strip() for word in _BETWEEN_WORDS.split(text) if word.strip()]


def check_words(text: str) -> None:
    """Raise ValidationError where this is no list of keywords."""
    words = listed(text)
    if len(words) > _MOST:
        raise ValidationError(_("At most %(most)s words."), params={"most": _MOST})
    for word in words:
        if len(word) > _LONGEST or not _folded(word):
            raise ValidationError(_("Separate the words by commas; each has at most 100 letters."))


def in_both(stop_words: str, start_words: str) -> list[str]:
    """Return the words that would both opt out and take that back."""
    return sorted((_words(stop_words) | {_ALWAYS_STOPS}) & _words(start_words))


@lru_cache(maxsize=256)
def _words(listed: str) -> frozenset[str]:
    return frozenset(folded for word in _BETWEEN_WORDS.split(listed) if (folded := _folded(word)))


def _folded(text: str) -> str:
    """Reduce a word to what people recognise it by: bare lower-case letters, one space between words."""
    decomposed = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    plain = "".join(_plain(letter) for letter in unicodedata.normalize("NFKD", decomposed))
    word = _NOT_WORDS.sub(" ", plain).strip()
    if len(said := set(word.split())) == 1:  # stop stop stop
        return said.pop()
    return word.replace(" ", "") if _SPELLED_OUT.fullmatch(word) else word


def _plain(letter: str) -> str:
    if letter.isascii():
        return letter
    if unicodedata.category(letter) in {"Mn", "Me"} or is_unseen(
        letter
    ):  # accents, frames, fillers
        return ""
    shaped = _SHAPED.fullmatch(unicodedata.name(letter, ""))
    return shaped[1].lower() if shaped else letter
