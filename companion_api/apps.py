from django.apps import AppConfig


class CompanionApiConfig(AppConfig):
    name = "companion_api"
