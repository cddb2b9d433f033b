"""Portals of Bitrix24 in the admin: to make the links of one, to complete it, to see how it does, and to
import its contacts."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from bitrix24 import importing, portals
from bitrix24.models import ContactImport, Portal
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
    actions = ("import_contacts",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    @admin.display(description=_("authorization"))
    def authorization(self, portal: Portal) -> str:
        url = portals.authorize_url(portal)
        return format_html('<a href="{}">{}</a>', url, _("Authorize anew")) if url else "-"

    def save_model(self, request: HttpRequest, obj: Portal, form: Any, change: bool) -> None:
        portals.complete(obj, form.cleaned_data["client_id"], form.cleaned_data["secret"])

    @admin.action(description=_("Import contacts"), permissions=["change"])
    def import_contacts(self, request: HttpRequest, chosen: QuerySet[Portal]) -> None:
        number = sum(importing.start(portal) for portal in chosen)
        self.message_user(request, f"{number} begun: see Contact imports.")

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


@admin.register(ContactImport)
class ContactImportAdmin(ReadOnlyAdmin):
    list_display = (
        "portal", "started_at", "ended_at", "created_count", "updated_count", "refused_count", "error",
    )  # fmt: skip
    list_select_related = ("portal",)
    fields = readonly_fields = (*list_display, "left_out")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("left out"))
    def left_out(self, made: ContactImport) -> str:
        """The portal's id of each, and why: what is wrong is mended there."""
        page = urljoin(made.portal.client_endpoint, "/crm/contact/details/")
        links = ((f"{page}{contact_id}/", contact_id, why) for contact_id, why in made.refused)
        return format_html_join(mark_safe("<br>"), '<a href="{}">{}</a> {}', links)
