"""The app."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Overview, approvals, person page, search; the shell of all pages."""

    name = "console"
    verbose_name = "Console"
