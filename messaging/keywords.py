"""What a recipient says with one word: STOP and START in the languages that are common here."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

# Only words that can mean nothing else when they are the whole message. YES and NO are answers.
_STOP = """
    stop, stopall, stop all, stop sms, unsubscribe, cancel, end, quit, optout, opt out, revoke, remove,
    rezygnuje, rezygnacja, wypisz, wypisz mnie, koniec, usun, anuluj, stopp, abmelden, abbestellen,
    arret, arreter, desabonner, desinscription, baja, cancelar, parar, sair, remover, cancella,
    annulla, disiscrivi, afmelden, uitschrijven, odhlasit, zrusit, konec, leiratkozas, dezabonare,
    стоп, отписаться, отписка, відписатися
"""
_START = """
    start, unstop, subscribe, resume, optin, opt in, wznow, zapisz, zapisz mnie, wracam, anmelden,
    reprendre, alta, reanudar, iniciar, riprendi, iscrivi, aanmelden, prihlasit, feliratkozas,
    старт, подписаться, підписатися
"""

_NOT_WORDS = re.compile(r"[\W_]+")

# NFKD does not take these apart.
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe"})


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _NOT_WORDS.sub(" ", bare).strip()


_STOP_WORDS = frozenset(_folded(word) for word in _STOP.split(","))
_START_WORDS = frozenset(_folded(word) for word in _START.split(","))

_LONGEST = 100  # characters; a longer text is no keyword


def opt_out_intent(text: str) -> Literal["stop", "start"] | None:
    """What this SMS asks for, if it is nothing but a keyword.

    Case, diacritics and punctuation do not matter: `„Stop!”` is STOP, `rezygnuję.` is REZYGNUJE.
    """
    if len(text) > _LONGEST:
        return None
    word = _folded(text)
    if word in _STOP_WORDS:
        return "stop"
    if word in _START_WORDS:
        return "start"
    return None
