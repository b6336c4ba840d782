"""The app."""

from django.apps import AppConfig


class KeysConfig(AppConfig):
    """Devices, key bundles, device authentication."""

    name = "keys"
    verbose_name = "Devices and key bundles"

    def ready(self) -> None:
        """Follow what happens to memberships."""
        from keys.services import revocation
        from semafore.kernel import hooks

        hooks.membership_suspended.register(revocation.on_membership_suspended)
        hooks.membership_ended.register(revocation.on_membership_ended)
