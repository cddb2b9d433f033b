from __future__ import annotations

from typing import Any

from django.apps import AppConfig


class MembersConfig(AppConfig):
    name = "members"
    verbose_name = "People"

    def ready(self) -> None:
        from allauth.account.signals import password_reset
        from django.contrib.auth.signals import user_logged_in

        user_logged_in.connect(_on_login, dispatch_uid="members.audit")
        password_reset.connect(_on_reset, dispatch_uid="members.audit")


def _on_login(request: Any, user: Any, **kwargs: Any) -> None:
    from members import services
    from members.audit import Action

    services.note(user, request.META if request is not None else {}, Action.LOGGED_IN)


def _on_reset(request: Any, user: Any, **kwargs: Any) -> None:
    from members import services
    from members.audit import Action

    services.note(user, request.META, Action.PASSWORD_RESET)
