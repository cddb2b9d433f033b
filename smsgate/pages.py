"""The few pages that people open: home, pairing, API documentation. No asset from elsewhere."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from smsgate import openapi


def home(request: HttpRequest) -> HttpResponse:
    return render(request, "smsgate/home.html", {"public_url": settings.PUBLIC_URL})


def pair(request: HttpRequest) -> HttpResponse:
    """What a phone's camera opens: the code stands in the fragment, so it never comes here."""
    return render(request, "smsgate/pair.html", {"public_url": settings.PUBLIC_URL})


def api_docs(request: HttpRequest) -> HttpResponse:
    return render(request, "smsgate/docs.html", {"public_url": settings.PUBLIC_URL})


def schema(request: HttpRequest) -> JsonResponse:
    """OpenAPI 3.1."""
    return JsonResponse(openapi.document(), json_dumps_params={"ensure_ascii": False})
