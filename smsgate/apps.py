from django.apps import AppConfig


class SmsgateConfig(AppConfig):
    name = "smsgate"

    def ready(self) -> None:
        from smsgate.pages import labels

        labels.translate()
