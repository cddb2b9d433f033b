from __future__ import annotations

from typing import Any

from django.apps import AppConfig


class MembersConfig(AppConfig):
    name = "members"
    verbose_name = "People"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        user_logged_in.connect(_on_login, dispatch_uid="members.audit")


def _on_login(request: Any, user: Any, **kwargs: Any) -> None:
    from members.services import note_login

    note_login(user, request.META if request is not None else {})
