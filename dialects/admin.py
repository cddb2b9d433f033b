"""The settings of dialects, in the account's form."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from dialects.registry import DIALECTS
from dialects.settings import value_in
from licenses.admin import AccountAdmin
from licenses.models import Account

# A form's field → whose setting it is.
_SETTINGS = {
    f"{dialect.name}-{setting.name}".replace("-", "_"): (dialect.name, setting)
    for dialect in DIALECTS
    for setting in dialect.settings
}


class _SettingsForm(forms.ModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field, (dialect, setting) in _SETTINGS.items():
            self.initial[field] = value_in(self.instance.dialect_settings, dialect, setting)

    def save(self, commit: bool = True) -> Any:
        stored: dict[str, dict[str, bool]] = {}
        for field, (dialect, setting) in _SETTINGS.items():
            if self.cleaned_data[field] != setting.default:
                stored.setdefault(dialect, {})[setting.name] = self.cleaned_data[field]
        self.instance.dialect_settings = stored
        return super().save(commit)


AccountForm = type(
    "AccountForm",
    (_SettingsForm,),
    {
        field: forms.BooleanField(
            label=gettext_lazy(setting.label),
            help_text=gettext_lazy(setting.help),
            required=False,
        )
        for field, (_, setting) in _SETTINGS.items()
    },
)

admin.site.unregister(Account)


@admin.register(Account)
class AccountWithDialectsAdmin(AccountAdmin):
    form = AccountForm

    def get_fields(self, request: HttpRequest, obj: Account | None = None) -> Any:
        return (*super().get_fields(request, obj), *_SETTINGS)

    def changed_columns(self, form: Any) -> list[str]:
        changed = super().changed_columns(form)
        own = [name for name in changed if name not in _SETTINGS]
        return own if len(own) == len(changed) else [*own, "dialect_settings"]
