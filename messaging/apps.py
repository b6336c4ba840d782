"""The app."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """Rooms, relay, mailbox, broadcasts, screenshot reports, push wake-ups."""

    name = "messaging"
    verbose_name = "Rooms and messages"

    def ready(self) -> None:
        """Follow what happens to people, devices and sockets."""
        from messaging import (
            changes_on_sockets,
            checks,  # noqa: F401 - registers them
            doctor,
            metrics,
            sockets,
        )
        from messaging.selectors import held, reach
        from messaging.services import admission, expiry, notices, people, retention, wakeups
        from semafore.kernel import hooks
        from semafore.kernel.doctor import DOCTOR
        from semafore.kernel.metrics import FIGURES

        hooks.membership_suspended.register(people.on_membership_suspended)
        hooks.membership_ended.register(people.on_membership_ended)
        hooks.device_revoked.register(expiry.on_device_revoked)
        hooks.guest_admitted.register(admission.on_guest_admitted)
        hooks.guests_in_reach.register(reach.on_guests_in_reach)
        hooks.signed_pre_key_renewed.register(notices.on_signed_pre_key_renewed)
        hooks.socket_connected.register(changes_on_sockets.on_socket_connected)
        hooks.socket_connected.register(wakeups.on_socket_connected)
        hooks.socket_frames.register(sockets.on_socket_frames)
        hooks.sockets_look.register(sockets.on_sockets_look)
        hooks.sockets_look.register(changes_on_sockets.on_sockets_look)
        hooks.retention_sweep.register(retention.on_retention_sweep)
        hooks.events_concerning.register(retention.on_events_concerning)
        hooks.held_on_person.register(held.on_held_on_person)
        FIGURES.register("messaging", metrics.figures)
        DOCTOR.register("push", doctor.push)
