"""Names that the admin shows are in the language of the page: each has its Polish one."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.core.management import call_command
from django.urls import reverse
from django.utils import translation

from dialects.registry import DIALECTS
from messaging import phone as phone_rules
from smsgate.config import PROJECT_DIR
from smsgate.pages.labels import APPS
from tests.conftest import Api, Phone, Tenant
from tests.delivery import accept

CATALOGUE = PROJECT_DIR / "smsgate/locale/pl/LC_MESSAGES/django.po"
CONSOLE = PROJECT_DIR / "console/locale/pl/LC_MESSAGES/django.po"


def texts(catalogue: Path) -> set[str]:
    return set(re.findall(r'^msgid "(.+)"$', catalogue.read_text(encoding="utf-8"), re.MULTILINE))


KNOWN = texts(CATALOGUE)
DJANGOS = {"ID"}


def labels() -> Iterator[str]:
    """Every name, choice and help that a page of the admin may show of our models and of dialects."""
    for setting in (setting for dialect in DIALECTS for setting in dialect.settings):
        yield setting.label
        yield setting.help
    for model, its_admin in admin.site._registry.items():
        if model._meta.app_label not in APPS:
            continue
        yield str(apps.get_app_config(model._meta.app_label).verbose_name)
        yield from (str(label_for_field(name, model, its_admin)) for name in its_admin.list_display)
        actions: Any = its_admin.actions
        yield from (str(getattr(its_admin, name).short_description) for name in actions)
        for shown in (model, *(inline.model for inline in its_admin.inlines)):
            yield str(shown._meta.verbose_name)
            yield str(shown._meta.verbose_name_plural)
            for field in shown._meta.concrete_fields:
                yield str(field.verbose_name)
                yield str(field.help_text)
                yield from (str(name) for _, name in field.choices or ())


def test_every_label_of_the_admin_is_in_the_polish_catalogue() -> None:
    with translation.override(None):
        shown = {label for label in labels() if label}
    assert {"account", "external id", "opt outs", "Unpair"} <= shown
    assert sorted(shown - KNOWN - DJANGOS) == []


def test_every_sentence_about_a_number_is_in_the_consoles_polish_catalogue() -> None:
    said = {words for _, words in phone_rules._NO_NUMBERS}
    source = (PROJECT_DIR / "messaging/phone.py").read_text()
    for raised in re.findall(r"raise InvalidPhone\((.+?)\)(?: from None)?$", source, re.MULTILINE):
        is_name = raised.startswith("_")
        said.add(getattr(phone_rules, raised) if is_name else raised.strip('"'))
    said.discard("words")
    assert phone_rules._HINT in said
    assert "looks like a date" in said
    assert len(said) >= 15
    assert sorted(said - texts(CONSOLE)) == []


def test_every_text_that_code_marks_is_in_the_polish_catalogue() -> None:
    marked: set[str] = set()
    for folder in (
        "http_api",
        "licenses",
        "members",
        "messaging",
        "contacts",
        "bitrix24",
        "console",
        "smsgate",
    ):
        for file in (PROJECT_DIR / folder).rglob("*.py"):
            marked |= set(re.findall(r'\b(?:_|gettext)\(\s*"([^"]+)"\s*,?\s*\)', file.read_text()))
    assert "The phone had no network." in marked
    assert sorted(marked - KNOWN - texts(CONSOLE)) == []


@pytest.mark.django_db
def test_labels_are_no_change_that_a_migration_would_have_to_make() -> None:
    with redirect_stdout(io.StringIO()) as said, translation.override("pl"):
        call_command("makemigrations", check_changes=True, dry_run=True)
    assert "No changes" in said.getvalue()


@pytest.mark.parametrize(
    ("page", "english", "polish"),
    [
        ("admin:index", ["Opt outs", "Licences", "Contact imports"],
            ["Rezygnacje", "Licencje", "Importy kontaktów"]),
        ("admin:licenses_device_changelist", ["Last sync at"], ["Ostatnia synchronizacja"]),
        ("admin:licenses_account_add", ["Sending hours:", "Key length", "Empty: no limit."],
            ["Godziny wysyłania:", "Długość klucza", "Puste: bez limitu."]),
        ("admin:messaging_message_changelist", ["Failure reason", "Age"], ["Powód", "Wiek"]),
        ("admin:contacts_contact_add", ["Groups", "Name:"], ["Grupy", "Nazwa:"]),
    ],
)  # fmt: skip
def test_the_admin_speaks_english_and_polish(
    api: Api, tenant: Tenant, phone: Phone, admin_client: Any,
    page: str, english: list[str], polish: list[str],
) -> None:  # fmt: skip
    accept(api, tenant)
    for language, expected, other in (("en", english, polish), ("pl", polish, english)):
        response = admin_client.get(reverse(page), headers={"Accept-Language": language})
        text = response.content.decode()
        assert [word for word in expected if word not in text] == [], language
        assert [word for word in other if word in text] == [], language
