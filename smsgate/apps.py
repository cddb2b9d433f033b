from allauth.account.apps import AccountConfig
from django.apps import AppConfig


class SmsgateConfig(AppConfig):
    name = "smsgate"

    def ready(self) -> None:
        from django.contrib import admin

        from smsgate.pages import labels
        from smsgate.pages.logins import AdminLogin

        labels.translate()
        admin.site.login_form = AdminLogin


class LogInConfig(AccountConfig):  # type: ignore[misc]
    """allauth's app without its look for AccountMiddleware by name: smsgate.pages.middleware has it, for
    people's pages only."""

    default = False

    def ready(self) -> None:
        from allauth.account import checks  # noqa: F401
