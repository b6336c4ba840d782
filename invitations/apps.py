"""The app."""

from django.apps import AppConfig


class InvitationsConfig(AppConfig):
    """Invitations, onboarding, phone codes, SMS backends."""

    name = "invitations"
    verbose_name = "Invitations and onboarding"

    def ready(self) -> None:
        """Follow what happens to devices, and register the checks.

        Without the package of its SMS backend the server doesn't start.
        """
        from invitations import (
            checks,  # noqa: F401 - registers them
            doctor,
            metrics,
        )
        from invitations.selectors import held
        from invitations.services import approvals, retention
        from invitations.sms import backends
        from semafore.kernel import hooks
        from semafore.kernel.doctor import DOCTOR
        from semafore.kernel.metrics import FIGURES

        backends.load()
        hooks.device_revoked.register(approvals.on_device_revoked)
        hooks.retention_sweep.register(retention.on_retention_sweep)
        hooks.held_on_person.register(held.on_held_on_person)
        FIGURES.register("invitations", metrics.figures)
        DOCTOR.register("sms", doctor.sms)
        DOCTOR.register("invitations", doctor.links)
