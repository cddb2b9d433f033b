"""Log-ins of people: counted before a password is hashed, which costs a tenth of a second.

As the authentication backend, so that every form that asks for a password is counted. Hashing has a
thread of its own (smsgate.web.lanes): log-ins wait for each other, and nothing else waits for them.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest

from http_api import throttles
from http_api.addresses import client_network


class TooManyLogins(Exception):
    """Too many log-ins were tried; `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class CountedLogins(ModelBackend):
    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the user, or None. Raise TooManyLogins before anything is hashed."""
        if request is None or username is None:
            return super().authenticate(request, username, password, **kwargs)
        network = client_network(request.META)
        name = hashlib.blake2b(username.encode("utf-8", "replace"), digest_size=16).hexdigest()
        if wait := throttles.login(network, name):
            raise TooManyLogins(wait)
        user = super().authenticate(request, username, password, **kwargs)
        if user is not None:
            throttles.logged_in(network, name)
        return user
