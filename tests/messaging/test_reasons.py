"""messaging.reasons: each code has a sentence, in English and Polish, and the admin shows it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse
from django.utils import translation

from messaging.models import Message, StateChange
from messaging.reasons import in_words, with_words
from messaging.states import FailureReason
from messaging.transitions import Cause
from protocol import EVENTS
from tests.conftest import Api, Phone, Tenant
from tests.delivery import Wire, accept, event

CODES = EVENTS["codes"]
CAUSES = [*(cause.value for cause in Cause), "attempt 12", "released no_sim"]
OURS = [reason.value for reason in FailureReason]


@pytest.mark.parametrize(
    "code", sorted({*CODES["android"].values(), *CODES["phone"], *OURS, *CAUSES})
)
def test_each_code_has_a_sentence_in_english_and_polish(code: str) -> None:
    with translation.override("en"):
        english = in_words(code)
    with translation.override("pl"):
        polish = in_words(code)
    assert re.fullmatch(r"[A-Z].+[.?]", english), code
    assert polish not in ("", english)


def test_a_sentence_stands_beside_the_code_and_an_unknown_code_alone() -> None:
    assert with_words("no_sim") == "no_sim: There is no SIM in that place of the phone."
    assert with_words("other:7").startswith("other:7: ")
    assert (with_words("brand_new"), with_words("")) == ("brand_new", "")
    assert in_words("released brand_new") == "The phone gave it back, unsent."


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "no_service: The phone had no network."),
        ("pl", "no_service: Telefon nie miał zasięgu."),
    ],
)
def test_the_admin_says_in_words_why_a_message_failed(
    api: Api, tenant: Tenant, phone: Phone, admin_client: Any, language: str, words: str
) -> None:
    wire = Wire(api, phone)
    message_id = accept(api, tenant)
    wire.claim()
    wire.report(event("part_failed", message_id, part=1, parts=1, code="no_service"))
    assert Message.objects.get().failure_reason == "no_service"
    assert set(StateChange.objects.values_list("cause", flat=True)) == {"claim", "attempt 1"}
    for page in (
        reverse("admin:messaging_message_changelist"),
        reverse("admin:messaging_message_change", args=[message_id]),
    ):
        shown = admin_client.get(page, headers={"Accept-Language": language}).content.decode()
        assert words in shown
    assert with_words("claim") in shown or language == "pl"
