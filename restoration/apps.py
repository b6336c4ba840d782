"""The app."""

from django.apps import AppConfig


class RestorationConfig(AppConfig):
    """What is done after a database was restored from a backup."""

    name = "restoration"
    verbose_name = "Restoration"

    def ready(self) -> None:
        """Register the event types."""
        from restoration import events  # noqa: F401 - for whatever reads the log
