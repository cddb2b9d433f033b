from django.apps import AppConfig


class DialectsConfig(AppConfig):
    name = "dialects"
    verbose_name = "Dialects"
