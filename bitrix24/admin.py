"""Portals of Bitrix24 in the admin: to make one's links, to complete it, and to see how it does."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from bitrix24 import portals
from bitrix24.models import Portal
from licenses.admin import ReadOnlyAdmin, form_of_secrets, shown_once
from licenses.models import License


class NewPortalForm(forms.Form):
    license = forms.ModelChoiceField(
        License.objects.select_related("account"),
        label=_("licence"),
        widget=forms.NumberInput,
        help_text=_("Its number."),
    )


class PortalForm(forms.ModelForm):
    secret = forms.CharField(label="client_secret", widget=forms.PasswordInput)

    class Meta:
        model = Portal
        fields = ("client_id",)
        labels = {"client_id": "client_id"}


@admin.register(Portal)
class PortalAdmin(ReadOnlyAdmin):
    form = PortalForm
    list_display = ("id", "license", "client_endpoint", "state", "last_error", "rests_until")
    list_select_related = ("license__account",)
    list_filter = ("state",)
    readonly_fields = (
        "account", "license", "state", "client_endpoint", "member_id", "refreshed_at", "failures",
        "rests_until", "last_error", "authorization", "created_at",
    )  # fmt: skip
    fields = ("client_id", "secret", *readonly_fields)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    @admin.display(description=_("authorization"))
    def authorization(self, portal: Portal) -> str:
        url = portals.authorize_url(portal)
        return format_html('<a href="{}">{}</a>', url, _("Authorize anew")) if url else "-"

    def save_model(self, request: HttpRequest, obj: Portal, form: Any, change: bool) -> None:
        portals.complete(obj, form.cleaned_data["client_id"], form.cleaned_data["secret"])

    @method_decorator(never_cache)
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            return HttpResponse(status=403)
        form = NewPortalForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return form_of_secrets(request, _("New Bitrix24 portal"), form, _("Make its links"))
        token = portals.create(form.cleaned_data["license"])
        self.log_addition(request, portals.by_link(token), "")
        links = {
            "Path for initial installation": portals.link(token, "install"),
            "Your handler path": portals.link(token, "oauth"),
        }
        return shown_once(request, "New Bitrix24 portal", links, "../")
