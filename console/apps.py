"""The app."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Overview, approvals, person page, search; the shell of all pages."""

    name = "console"
    verbose_name = "Console"

    def ready(self) -> None:
        """The operator's site learns of its pages."""
        from console.operator import organisations  # noqa: F401 - registers itself
