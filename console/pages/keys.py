"""The keys of programs: what each is for; make, replace and revoke them. A new one is shown once."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from console.access import Visit, needs
from console.pages.parts import line
from console.words import SCOPES, Words
from http_api.errors import or_not_found
from licenses import services, tokens
from licenses.models import Account, Credential, License, Token
from licenses.scopes import GIVEN
from licenses.selectors import in_force
from members import audit
from members.audit import Action
from members.models import Role

# For how many days what is replaced works on.
OVERLAPS: dict[str, Words] = {
    "0": gettext_lazy("the old one is void at once"),
    "1": gettext_lazy("the old one works for one more day"),
    "7": gettext_lazy("the old one works for seven more days"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """New secrets, in plain text: the only time that they can be read."""

    what: Words
    values: dict[Words, str] = field(default_factory=dict)
    curl: str = ""


@require_safe
@needs(Role.OWNER)
def key_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    return _keys(request, visit)


def _keys(request: HttpRequest, visit: Visit, shown: Shown | None = None) -> HttpResponse:
    licenses = visit.account.licenses.order_by("pk").prefetch_related(
        Prefetch("credentials", in_force(Credential.objects.all()), to_attr="log_ins")
    )
    hooks = Token.objects.filter(
        license__account=visit.account, kind=Token.Kind.HOOK, revoked_at=None
    )
    context: dict[str, Any] = {
        "shown": shown,
        "licenses": licenses,
        "overlaps": OVERLAPS,
        "scopes": SCOPES,
        "api_keys": in_force(visit.account.api_keys.all()),
        "hooks": hooks.select_related("license").order_by("pk"),
    }
    return render(request, "console/keys.html", context)


def _license(visit: Visit, license_id: int) -> License:
    mine = License.objects.filter(account=visit.account, pk=license_id)
    return or_not_found(mine.select_related("account").first(), "licence")


@require_POST
@needs(Role.OWNER)
def make(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Make a licence with its key."""
    scopes = _scopes(request)
    if scopes is None:
        return _unchosen(request)
    with transaction.atomic():
        name = line(request, "name", 255)
        license, key = services.add_license(visit.account, name=name, scopes=scopes)
        _record(visit, Action.KEY_MADE, "license_key", license.pk)
    return _keys(request, visit, _shown_license_key(key))


def _scopes(request: HttpRequest) -> str | None:
    """Return the scopes that were ticked, as they are stored; '' for everything, which is ticked, too.
    None: nothing was, and a slip must not mean everything."""
    ticked = request.POST.getlist("scopes")
    return " ".join(scope for scope in GIVEN if scope in ticked) if ticked else None


def _unchosen(request: HttpRequest) -> HttpResponse:
    messages.error(request, _("Choose what its keys may do."))
    return redirect("console:keys")


@require_POST
@needs(Role.OWNER)
def change_scopes(request: HttpRequest, visit: Visit, license_id: int) -> HttpResponse:
    """Let all keys of a licence do what was ticked, from now on."""
    license = _license(visit, license_id)
    former, wanted = license.scopes, _scopes(request)
    if wanted is None:
        return _unchosen(request)
    with transaction.atomic():
        services.set_scopes(license, wanted)
        scopes = {"from": former, "to": wanted}
        _record(visit, Action.KEY_CHANGED, "license_key", license.pk, scopes=scopes)
    messages.success(request, _("Saved."))
    return redirect("console:keys")


@require_POST
@needs(Role.OWNER)
def replace(request: HttpRequest, visit: Visit, license_id: int) -> HttpResponse:
    license = _license(visit, license_id)
    with transaction.atomic():
        key = services.rotate_license_key(license, _overlap(request))
        _record(visit, Action.KEY_REPLACED, "license_key", license.pk)
    return _keys(request, visit, _shown_license_key(key))


def _overlap(request: HttpRequest) -> dt.timedelta:
    """Return how long what is replaced works on."""
    chosen = request.POST.get("overlap", "")
    return dt.timedelta(days=int(chosen)) if chosen in OVERLAPS else services.AT_ONCE


def _shown_license_key(key: str) -> Shown:
    example = {
        "license__key": key,
        "external_id": "hello-2",
        "phone": "+48123456789",
        "message": "Hello",
    }
    curl = f"curl {settings.PUBLIC_URL}/api/messages/ -d '{json.dumps(example)}'"
    return Shown(gettext_lazy("The licence key"), {gettext_lazy("licence key"): key}, curl)


@require_POST
@needs(Role.OWNER)
def switch(request: HttpRequest, visit: Visit, license_id: int) -> HttpResponse:
    """Switch a licence off, with all of its keys and phones, or on."""
    license, is_active = _license(visit, license_id), request.POST.get("is_active") == "1"
    with transaction.atomic():
        services.switch(license, is_active)
        _record(visit, Action.LICENSE_SWITCHED, "license", license.pk, is_active=is_active)
    return redirect("console:keys")


@require_POST
@needs(Role.OWNER)
def replace_api_keys(request: HttpRequest, visit: Visit) -> HttpResponse:
    with transaction.atomic():
        key = services.rotate_api_keys(visit.account, _overlap(request))
        _record(visit, Action.KEY_REPLACED, "api_key")
    return _keys(request, visit, Shown(_("The api_key"), {"api_key": key}))


@require_POST
@needs(Role.OWNER)
def replace_credential(request: HttpRequest, visit: Visit, license_id: int) -> HttpResponse:
    license = _license(visit, license_id)
    with transaction.atomic():
        new = services.rotate_credential(license, _overlap(request))
        _record(visit, Action.KEY_REPLACED, "credential", license.pk)
    values: dict[Words, str] = {
        gettext_lazy("username"): new.username,
        gettext_lazy("password"): new.password,
        gettext_lazy("token"): new.token,
    }
    return _keys(request, visit, Shown(_("The log-in for programs"), values))


@require_POST
@needs(Role.OWNER)
def make_hook(request: HttpRequest, visit: Visit, license_id: int) -> HttpResponse:
    license = _license(visit, license_id)
    with transaction.atomic():
        token = tokens.new_hook(license)
        _record(visit, Action.KEY_MADE, "hook", license.pk)
    link = tokens.hook_link(token)
    return _keys(request, visit, Shown(_("The hook link"), {gettext_lazy("link"): link}))


@require_POST
@needs(Role.OWNER)
def revoke_hook(request: HttpRequest, visit: Visit, public_id: UUID) -> HttpResponse:
    hook = Token.objects.filter(
        license__account=visit.account, kind=Token.Kind.HOOK, public_id=public_id, revoked_at=None
    ).first()
    found = or_not_found(hook, "hook link")
    with transaction.atomic():
        tokens.revoke(found.license_id, public_id)
        _record(visit, Action.KEY_REVOKED, "hook", found.license_id)
    messages.success(request, _("The link is void."))
    return redirect("console:keys")


def _record(
    visit: Visit, action: Action, kind: str, object_id: int | None = None, **details: Any
) -> None:
    account: Account = visit.account
    audit.record(account.pk, visit.actor, action, object_id=object_id, kind=kind, **details)
