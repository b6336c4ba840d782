"""The app."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """Rooms, relay, mailbox, broadcasts, screenshot reports, push wake-ups."""

    name = "messaging"
    verbose_name = "Rooms and messages"

    def ready(self) -> None:
        """Follow what happens to people, devices and sockets."""
        from messaging import sockets
        from messaging.services import expiry, notices
        from semafore.kernel import hooks

        hooks.socket_frames.register(sockets.on_socket_frames)
        hooks.sockets_look.register(sockets.on_sockets_look)
        hooks.device_revoked.register(expiry.on_device_revoked)
        hooks.signed_pre_key_renewed.register(notices.on_signed_pre_key_renewed)
