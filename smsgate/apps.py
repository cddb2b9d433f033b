from allauth.account.apps import AccountConfig
from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


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


class RecordedAdminConfig(AdminConfig):
    default = False
    default_site = "smsgate.pages.admin_site.Site"
