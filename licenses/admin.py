"""Accounts and keys in the admin. Secrets are shown once, on the page that made them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.functional import Promise, cached_property
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from http_api import pagination
from licenses import keys, services, tokens
from licenses.models import Account, ApiKey, Credential, License
from licenses.pairing import pairing_link, qr_svg, unreachable

admin.site.site_header = "smsgate"
admin.site.site_title = "smsgate"
admin.site.index_title = _("Accounts, phones, messages")


def shown_once(
    request: HttpRequest,
    title: str,
    secrets: Mapping[str, str | int],
    back: str = "",
    codes: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Show secrets on a page once, uncached: they are stored nowhere, not even in the session."""
    context = {
        **admin.site.each_context(request),
        "title": title,
        "secrets": {name.replace("_", " "): value for name, value in secrets.items()},
        "back": back,
        "codes": [
            (name, pairing_link(code), mark_safe(qr_svg(pairing_link(code))))
            for name, code in (codes or {}).items()
        ],
        "unreachable": unreachable(),
    }
    response = TemplateResponse(request, "admin/shown_once.html", context)
    response["Cache-Control"] = "no-store"
    return response


def form_of_secrets(
    request: HttpRequest, title: Promise, form: forms.BaseForm, submit: Promise
) -> HttpResponse:
    """Show the form of what has secrets, which `shown_once` answers."""
    context = {
        **admin.site.each_context(request), "title": title, "form": form, "submit": submit,
    }  # fmt: skip
    return TemplateResponse(request, "admin/new_secrets.html", context)


class CappedPaginator(Paginator):
    """Counts up to MOST: a page of ten million rows costs what one of a hundred costs."""

    @cached_property
    def count(self) -> int:
        number = pagination.count(cast(QuerySet[Any], self.object_list))
        return number if number <= pagination.MOST else _OrMore(number)


class _OrMore(int):
    """A count that ended at MOST."""

    def __str__(self) -> str:
        return f"{pagination.MOST:,}+"


class KeyLengthForm(forms.ModelForm):
    """A new account's form: how long its licence key shall be, beside its rules."""

    key_length = forms.TypedChoiceField(
        label=_("Key length"),
        coerce=int,
        initial=12,
        choices=[(length, length) for length in keys.LICENSE_KEY_LENGTHS],
    )


class AuditedAdmin(admin.ModelAdmin):
    """Writes each action on a row into the admin's log, in the action's transaction.

    Django logs forms and deletions by itself, actions not. Lists are counted up to a bound.
    """

    paginator = CappedPaginator
    show_full_result_count = False

    def get_actions(self, request: HttpRequest) -> Any:
        actions: Any = super().get_actions(request)
        return {
            name: (action if name == "delete_selected" else self._logged(action, what), name, what)
            for name, (action, _, what) in actions.items()
        }

    def _logged(self, action: Callable[..., Any], what: str) -> Callable[..., Any]:
        @transaction.atomic
        def log_and_act(model_admin: Any, request: HttpRequest, rows: QuerySet[Any]) -> Any:
            LogEntry.objects.log_actions(request.user.pk or 0, rows, CHANGE, str(what))
            return action(model_admin, request, rows)

        return log_and_act


class LookedUpAdmin(AuditedAdmin):
    """A list of a table that grows: in the order of ids, and searched by what an index finds."""

    sortable_by = ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return (queryset.filter(self.found(search_term)) if search_term else queryset), False

    def found(self, term: str) -> Q:
        """Return which rows a search means. Indexes begin with the owner: name all that there are."""
        raise NotImplementedError


class ReadOnlyAdmin(AuditedAdmin):
    """Rows that only services make: to look at, and to act on by actions."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ChangesAdmin(AuditedAdmin):
    """Saves what a form changes of a row, compared with what the page showed: what somebody else has
    changed meanwhile stays."""

    def formfield_for_dbfield(self, *args: Any, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(*args, **kwargs)
        if field is not None:
            field.show_hidden_initial = True
        return field

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.save(update_fields=self.changed_columns(form) if change else None)

    def changed_columns(self, form: Any) -> list[str]:
        return list(form.changed_data)


@admin.register(Account)
class AccountAdmin(ChangesAdmin):
    list_display = ("name", "country", "time_zone", "max_daily_sms", "valid_until", "is_active")
    search_fields = ("name",)
    list_filter = ("is_active",)
    actions = (
        "add_license", "rotate_api_keys", "show_webhook_secret", "rotate_webhook_secret",
    )  # fmt: skip
    fields = (
        "name", "country", "time_zone", "sending_hours", "max_daily_sms", "valid_until",
        "max_age_hours", "retention_days", "kept_sms", "stop_words", "start_words",
        "needs_second_factor", "is_active",
    )  # fmt: skip

    fields_of_new = (
        "name", "country", "time_zone", "sending_hours", "max_daily_sms", "valid_until",
        "max_age_hours",
    )  # fmt: skip

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @method_decorator(never_cache)
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Provision account, licence and keys from one form, in one step."""
        if not self.has_add_permission(request):
            return HttpResponse(status=403)
        form = forms.modelform_factory(Account, KeyLengthForm, self.fields_of_new)(
            request.POST or None
        )
        if request.method == "POST" and form.is_valid():
            try:
                made = services.provision(**form.cleaned_data)
            except ValidationError as error:
                form.add_error(None, error)
            else:
                account = Account.objects.get(pk=made.account_id)
                self.log_addition(request, account, "Added with a licence and its keys.")
                values = {name: getattr(made, name) for name in made.__slots__}
                return shown_once(request, f"Account {form.cleaned_data['name']}", values, "../")
        return form_of_secrets(request, _("New account"), form, _("Make the account and its keys"))

    @admin.action(description=_("Add a licence"), permissions=["change"])
    def add_license(self, request: HttpRequest, accounts: QuerySet[Account]) -> HttpResponse:
        made = [services.add_license(account) for account in accounts]
        secrets = {f"licence key of {license}": key for license, key in made}
        return shown_once(request, "New licences", secrets)

    @admin.action(description=_("Replace all api_keys by a new one"), permissions=["change"])
    def rotate_api_keys(self, request: HttpRequest, accounts: QuerySet[Account]) -> HttpResponse:
        secrets = {
            f"api_key of {account}": services.rotate_api_keys(account) for account in accounts
        }
        return shown_once(request, "New api_keys", secrets)

    @admin.action(description=_("Show the webhook secret"), permissions=["change"])
    def show_webhook_secret(
        self, request: HttpRequest, accounts: QuerySet[Account]
    ) -> HttpResponse:
        secrets = {f"webhook secret of {one}": services.webhook_secret(one) for one in accounts}
        return shown_once(request, "Webhook secrets", secrets)

    @admin.action(description=_("Replace the webhook secret by a new one"), permissions=["change"])
    def rotate_webhook_secret(
        self, request: HttpRequest, accounts: QuerySet[Account]
    ) -> HttpResponse:
        secrets = {
            f"webhook secret of {one}": services.rotate_webhook_secret(one) for one in accounts
        }
        return shown_once(request, "New webhook secrets", secrets)


class SwitchableAdmin(ChangesAdmin, ReadOnlyAdmin):
    """Keys: they are switched off and on, never edited."""

    actions: tuple[str, ...] = ("activate", "deactivate")

    @admin.action(description=_("Activate"), permissions=["change"])
    def activate(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        self.message_user(request, f"{rows.update(is_active=True)} activated.")

    @admin.action(description=_("Deactivate"), permissions=["change"])
    def deactivate(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        self.message_user(request, f"{rows.update(is_active=False)} deactivated.")


@admin.register(License)
class LicenseAdmin(SwitchableAdmin):
    list_display = (
        "id", "account", "name", "key_hint", "is_active", "allow_short_codes", "scopes", "messages",
    )  # fmt: skip
    list_select_related = ("account",)
    list_filter = ("is_active",)
    search_fields = ("account__name", "name")
    fields = (
        "account",
        "name",
        "key_hint",
        "is_active",
        "allow_short_codes",
        "scopes",
        "lease_seconds",
    )
    readonly_fields = ("account", "key_hint")
    actions = (
        "activate",
        "deactivate",
        "pair_phone",
        "rotate_key",
        "rotate_credential",
        "add_hook",
    )

    @admin.display(description=_("messages"))
    def messages(self, license: License) -> str:
        """Link to the licence's messages: a filter beside their list would name every licence."""
        url = reverse("admin:messaging_message_changelist")
        return format_html(
            '<a href="{}?license__id__exact={}">{}</a>', url, license.pk, _("messages")
        )

    @admin.action(description=_("Pair a phone"), permissions=["change"])
    def pair_phone(self, request: HttpRequest, licenses: QuerySet[License]) -> HttpResponse:
        codes = {
            f"a phone for {license}": services.new_pairing_code(license).code
            for license in licenses.select_related("account")
        }
        return shown_once(request, "Pairing codes, good for ten minutes", codes, codes=codes)

    @admin.action(description=_("Replace the licence key"), permissions=["change"])
    def rotate_key(self, request: HttpRequest, licenses: QuerySet[License]) -> HttpResponse:
        secrets = {
            f"licence key of {license}": services.rotate_license_key(license)
            for license in licenses.select_related("account")
        }
        return shown_once(request, "New licence keys", secrets)

    @admin.action(description=_("Replace username, password and token"), permissions=["change"])
    def rotate_credential(self, request: HttpRequest, licenses: QuerySet[License]) -> HttpResponse:
        secrets: dict[str, str] = {}
        for license in licenses.select_related("account"):
            new = services.rotate_credential(license)
            secrets |= {f"{name} of {license}": getattr(new, name) for name in new.__slots__}
        return shown_once(request, "New credentials", secrets)

    @admin.action(description=_("Make a hook link"), permissions=["change"])
    def add_hook(self, request: HttpRequest, licenses: QuerySet[License]) -> HttpResponse:
        links = {
            f"hook link of {license}": tokens.hook_link(tokens.new_hook(license))
            for license in licenses.select_related("account")
        }
        return shown_once(request, "New hook links", links)


@admin.register(ApiKey)
class ApiKeyAdmin(SwitchableAdmin):
    list_display = ("key_hint", "account", "is_active", "created_at")
    list_select_related = ("account",)
    fields = ("account", "key_hint", "is_active", "created_at")
    readonly_fields = ("account", "key_hint", "created_at")


@admin.register(Credential)
class CredentialAdmin(SwitchableAdmin):
    list_display = ("username", "license", "is_active", "created_at")
    list_select_related = ("license__account",)
    fields = ("license", "username", "is_active", "created_at")
    readonly_fields = ("license", "username", "created_at")
