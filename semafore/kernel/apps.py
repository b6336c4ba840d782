"""The kernel as a Django app: its checks, and answers kept for retries."""

from django.apps import AppConfig


class KernelConfig(AppConfig):
    """Registers the system checks."""

    name = "semafore.kernel"
    label = "kernel"

    def ready(self) -> None:
        """Import the checks, which register themselves."""
        from semafore.kernel import checks  # noqa: F401 - Django's place for it
