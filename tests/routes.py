"""The URL configuration, flat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.urls import URLPattern, URLResolver

from smsgate.urls import urlpatterns

PEOPLES = ("/account/", "/console/", "/login/")


def routes(
    patterns: Iterable[URLPattern | URLResolver] = urlpatterns, prefix: str = "/"
) -> Iterator[tuple[str, URLPattern]]:
    """Each of our own routes with its path, groups of the regular expression and all: `/api/me/`.

    The dialects', whose every route stands below several mounts, have tests of their own; so have
    people's pages: the admin, the console and its log-in.
    """
    for pattern in patterns:
        path = prefix + str(pattern.pattern).lstrip("^").removesuffix("$").replace("/?", "/")
        if path.startswith(PEOPLES):
            continue
        if isinstance(pattern, URLPattern):
            yield path, pattern
        elif path != prefix and not pattern.app_name:
            yield from routes(pattern.url_patterns, path)
