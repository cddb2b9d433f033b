from django.apps import AppConfig


class Bitrix24Config(AppConfig):
    name = "bitrix24"
