"""The demo's management commands, as an app that only DEBUG installs."""

from django.apps import AppConfig


class LocalConfig(AppConfig):
    """The demo."""

    name = "semafore.local"
    label = "local"
