"""The app."""

from django.apps import AppConfig


class OrgsConfig(AppConfig):
    """Accounts, organisations, memberships, policy."""

    name = "orgs"
    verbose_name = "People and organisations"

    def ready(self) -> None:
        """Follow what has lived its time."""
        from orgs.services import retention
        from semafore.kernel import hooks

        hooks.retention_sweep.register(retention.on_retention_sweep)
