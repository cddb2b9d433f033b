from django.apps import AppConfig


class HttpApiConfig(AppConfig):
    name = "http_api"
    verbose_name = "HTTP API"
