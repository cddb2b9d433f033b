"""The few pages that people open: home, pairing, API documentation. No asset from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from licenses.pairing import app_file
from smsgate.pages import openapi

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<path fill="#2059c9" d="M6 3h20a4 4 0 0 1 4 4v13a4 4 0 0 1-4 4H14l-7 6v-6H6a4 4 0 0 1-4-4V7'
    'a4 4 0 0 1 4-4z"/><path fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"'
    ' d="M9 11h14M9 17h9"/></svg>'
)


def icon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for it by this name on every page that names none, as those of the admin."""
    caching = {"Cache-Control": "max-age=86400"}
    return HttpResponse(_ICON, content_type="image/svg+xml", headers=caching)


def home(request: HttpRequest) -> HttpResponse:
    return render(request, "smsgate/home.html", {"public_url": settings.PUBLIC_URL})


def to_console(request: HttpRequest) -> HttpResponse:
    """Lead a person to the console, or to its log-in."""
    return redirect("console:overview")


def pair(request: HttpRequest) -> HttpResponse:
    """Show what a phone's camera opens: the code stands in the fragment, so it never comes here."""
    context = {"public_url": settings.PUBLIC_URL, "has_app": app_file().is_file()}
    return render(request, "smsgate/pair.html", context)


def app(request: HttpRequest) -> FileResponse:
    """Serve the Android app that `make apk` built: phones get it from their own server. Else 404."""
    try:
        content = app_file().open("rb")
    except FileNotFoundError:
        raise Http404 from None
    response = FileResponse(content, content_type="application/vnd.android.package-archive")
    response["Content-Disposition"] = 'attachment; filename="smsgate.apk"'
    return response


def bitrix24_app(request: HttpRequest) -> HttpResponse:
    """Serve the app that makes a hook link an SMS provider of a portal (docs/bitrix24.md)."""
    response = HttpResponse(_bitrix24_app(), content_type="application/zip")
    response["Content-Disposition"] = 'attachment; filename="smsgate-bitrix24.zip"'
    return response


@cache
def _bitrix24_app() -> bytes:
    """Return the archive. Bitrix24 opens `install.html` until that is done, then `index.html`."""
    folder = Path(__file__).with_name("bitrix24_app")
    names = {"app.html": ("install.html", "index.html")}
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        for file in sorted(folder.iterdir()):
            for name in names.get(file.name, (file.name,)):
                archive.writestr(ZipInfo(name), file.read_bytes())
    return content.getvalue()


def api_docs(request: HttpRequest) -> HttpResponse:
    return render(request, "smsgate/docs.html", {"public_url": settings.PUBLIC_URL})


def schema(request: HttpRequest) -> HttpResponse:
    """OpenAPI 3.1: what programs call."""
    return HttpResponse(_json(openapi.document), content_type="application/json")


def companion_schema(request: HttpRequest) -> HttpResponse:
    """OpenAPI 3.1: what phones call."""
    return HttpResponse(_json(openapi.companion_document), content_type="application/json")


@cache
def _json(document: Callable[[], dict[str, Any]]) -> bytes:
    """Return the same bytes each time: all who are sent them share one copy."""
    return json.dumps(document(), ensure_ascii=False).encode()
