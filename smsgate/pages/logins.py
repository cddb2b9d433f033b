"""Log-ins of people by password: counted before a password is hashed, which costs a tenth of a second.

As the authentication backend, so that every form that asks for a password is counted. Hashing has a
thread of its own (smsgate.web.lanes): log-ins wait for each other, and nothing else waits for them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.forms import ResetPasswordForm
from allauth.account.internal.userkit import get_user_by_username
from allauth.account.models import EmailAddress
from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from http_api import throttles
from http_api.addresses import client_address, client_network
from members import mail, services
from members.selectors import with_address


class TooManyLogins(Exception):
    """Too many log-ins were tried; `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class CountedLogins(AuthenticationBackend):  # type: ignore[misc]
    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """Return the user, or None. Raise TooManyLogins before anything is hashed."""
        username = credentials.get("username")
        if request is None or username is None:
            return self._authenticated(request, credentials)
        network = client_network(request.META)
        name = hashlib.blake2b(username.encode("utf-8", "replace"), digest_size=16).hexdigest()
        if wait := throttles.login(network, name):
            raise TooManyLogins(wait)
        user = self._authenticated(request, credentials)
        if user is not None:
            throttles.logged_in(network, name)
        return user

    def _authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """Find the person by an address whose link they have opened, else by name, and hash once: time
        must not tell whether there is one."""
        login = credentials.get("username") or credentials.get("email") or ""
        known = EmailAddress.objects.filter(email=login.lower(), verified=True)
        address = known.select_related("user").first()
        person = address.user if address else get_user_by_username(login)
        user: User | None = self._check_password(person, credentials["password"])
        return user

    def _authenticated(
        self, request: HttpRequest | None, credentials: Mapping[str, Any]
    ) -> User | None:
        user: User | None = super().authenticate(request, **credentials)
        return user


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Settings of allauth as code: nobody signs up, people are invited."""

    # One wording, whatever was wrong.
    error_messages: ClassVar = DefaultAccountAdapter.error_messages | dict.fromkeys(
        ("username_password_mismatch", "email_password_mismatch"),
        gettext_lazy("No such user, or another password."),
    )

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        address = client_address(request.META)  # one address: it is stored with the session, too
        return address or str(super().get_client_ip(request))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Leave it to the worker: a mail server's time would tell whether an address is known."""
        message = self.render_mail(template_prefix, email, context)
        mail.queue(email, message.subject, message.body)

    def format_email_subject(self, subject: str) -> str:
        return subject

    def get_reset_password_from_key_url(self, key: str) -> str:
        return services.password_link(key)

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        path = reverse("account_confirm_email", args=[emailconfirmation.key])
        return f"{settings.PUBLIC_URL}{path}"


class PasswordReset(ResetPasswordForm):  # type: ignore[misc]
    """Mails nobody at an address whose link they have not opened."""

    users: list[User]

    def clean_email(self) -> str:
        email: str = super().clean_email()
        known = with_address([user.pk for user in self.users])
        self.users = [user for user in self.users if user.pk in known]
        return email


class AdminLogin(AdminAuthenticationForm):
    """The admin's own form knows no second factor: who has one logs in on the page that asks for it."""

    def confirm_login_allowed(self, user: Any) -> None:
        super().confirm_login_allowed(user)
        if is_mfa_enabled(user):
            words = _("You have a second factor: log in at {address}.")
            raise forms.ValidationError(words.format(address=reverse("account_login")))
