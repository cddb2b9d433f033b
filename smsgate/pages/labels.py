"""Labels of our models and their fields for the admin, in the language of the page.

Django makes most of these names from the code and translates none of ours; the catalogue in `locale/`
has them, so that no model needs to repeat each name of its own.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.utils.translation import gettext_lazy

APPS = ("licenses", "members", "messaging", "contacts", "webhooks", "bitrix24")


def translate() -> None:
    """Make the names that models, their fields, choices and help have follow the page's language.

    Migrations do not see it: they keep what a model says itself. Call once, after all models are there.
    """
    for app in APPS:
        config: Any = apps.get_app_config(app)
        _translate(config, "verbose_name")
        for model in config.get_models():
            _translate(model._meta, "verbose_name", "verbose_name_plural")
            for field in (*model._meta.local_concrete_fields, *model._meta.local_many_to_many):
                _translate(field, "verbose_name", "help_text")
                if field.choices:
                    field.choices = [
                        (value, gettext_lazy(str(name))) for value, name in field.choices
                    ]


def _translate(named: Any, *attributes: str) -> None:
    for attribute in attributes:
        if text := getattr(named, attribute):  # gettext says its own header for ""
            setattr(named, attribute, gettext_lazy(str(text)))
