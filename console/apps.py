"""The app."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Overview, approvals, person page, search, playbooks; the shell of all pages."""

    name = "console"
    verbose_name = "Console"

    def ready(self) -> None:
        """Register the event types, and say who and what an id or a name means."""
        from console import events  # noqa: F401 - for whatever reads the log without the pages
        from console.selectors.known import on_known_by
        from semafore.kernel import hooks

        hooks.known_by.register(on_known_by)
