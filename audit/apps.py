"""The app."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.utils.module_loading import autodiscover_modules


class AuditConfig(AppConfig):
    """Events and the provable log."""

    name = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        """Load every app's event types and count what the base views refuse."""
        from audit import (
            checks,  # noqa: F401 - registers them
            doctor,
        )
        from audit.metrics import figures
        from audit.restored import closure, on_connection_created
        from audit.selectors import held
        from audit.services.denials import on_attempt_denied
        from audit.services.exports.retention import on_retention_sweep
        from audit.services.searches import on_membership_ended
        from semafore.kernel import hooks
        from semafore.kernel.closing import CLOSING
        from semafore.kernel.doctor import DOCTOR
        from semafore.kernel.metrics import FIGURES

        autodiscover_modules("events")
        hooks.attempt_denied.register(on_attempt_denied)
        hooks.membership_ended.register(on_membership_ended)
        hooks.held_on_person.register(held.on_held_on_person)
        hooks.retention_sweep.register(on_retention_sweep)
        CLOSING.register(closure)
        connection_created.connect(on_connection_created)
        FIGURES.register("audit", figures)
        DOCTOR.register("sequencer", doctor.sequencer)
        DOCTOR.register("signer", doctor.signer)
        DOCTOR.register("log state", doctor.state_folder, needs_database=False)
        DOCTOR.register("export storage", doctor.export_storage, needs_database=False)
        DOCTOR.register("exports", doctor.exports)
        DOCTOR.register("siem", doctor.siem)
