"""The app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class AuditConfig(AppConfig):
    """Events and the provable log."""

    name = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        """Load every app's event types and count what the base views refuse."""
        from audit import checks  # noqa: F401 - Django's place for it
        from audit.metrics import LogCollector
        from audit.services.denials import on_attempt_denied
        from semafore.kernel import hooks, metrics

        autodiscover_modules("events")
        hooks.attempt_denied.register(on_attempt_denied)
        metrics.REGISTRY.register(LogCollector())
