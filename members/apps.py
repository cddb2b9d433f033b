from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.dispatch import Signal


class MembersConfig(AppConfig):
    name = "members"
    verbose_name = "People"

    def ready(self) -> None:
        from allauth.account import signals as account
        from allauth.mfa import signals as second_factor
        from django.contrib.auth.signals import user_logged_in

        from members.audit import Action

        _note(user_logged_in, Action.LOGGED_IN)
        _note(account.password_reset, Action.PASSWORD_RESET)
        _note(account.password_changed, Action.PASSWORD_CHANGED)
        _note(second_factor.authentication_failed, Action.SECOND_FACTOR_FAILED)
        _note(second_factor.authenticator_added, Action.SECOND_FACTOR_ADDED)
        _note(second_factor.authenticator_reset, Action.SECOND_FACTOR_ADDED)
        _note(second_factor.authenticator_removed, Action.SECOND_FACTOR_REMOVED)


def _note(signal: Signal, action: Any) -> None:
    """Let the audit trail say whenever this happens to a person's log-in."""

    def note(request: Any, user: Any, authenticator: Any = None, **kwargs: Any) -> None:
        from members import services

        details = {"kind": str(authenticator.type)} if authenticator else {}
        services.note(user, request.META if request is not None else {}, action, **details)

    signal.connect(note, weak=False, dispatch_uid=f"members.audit.{action}")
