"""The app."""

from django.apps import AppConfig


class OrgsConfig(AppConfig):
    """Accounts, organisations, memberships, policy."""

    name = "orgs"
    verbose_name = "People and organisations"

    def ready(self) -> None:
        """Answer who may do what, and follow what has lived its time."""
        from orgs.selectors.members import on_permission_holders
        from orgs.services import retention
        from semafore.kernel import hooks

        hooks.permission_holders.register(on_permission_holders)
        hooks.retention_sweep.register(retention.on_retention_sweep)
