"""The app."""

from django.apps import AppConfig


class KeysConfig(AppConfig):
    """Devices, key bundles, device authentication."""

    name = "keys"
    verbose_name = "Devices and key bundles"

    def ready(self) -> None:
        """Follow what happens to memberships, and to what has lived its time."""
        from keys import metrics
        from keys.selectors import held
        from keys.services import retention, revocation
        from semafore.kernel import hooks
        from semafore.kernel.metrics import FIGURES

        hooks.membership_suspended.register(revocation.on_membership_suspended)
        hooks.membership_ended.register(revocation.on_membership_ended)
        hooks.retention_sweep.register(retention.on_retention_sweep)
        hooks.events_concerning.register(retention.on_events_concerning)
        hooks.held_on_person.register(held.on_held_on_person)
        FIGURES.register("keys", metrics.figures)
