"""The app."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    """The device socket."""

    name = "realtime"
    verbose_name = "Device socket"

    def ready(self) -> None:
        """Say what is held on a person, and hear of maintenance."""
        from realtime import doctor, held, maintenance, metrics
        from semafore.kernel import hooks
        from semafore.kernel.doctor import DOCTOR
        from semafore.kernel.metrics import FIGURES

        hooks.held_on_person.register(held.on_held_on_person)
        hooks.maintenance_told.register(maintenance.on_maintenance_told)
        FIGURES.register("realtime", metrics.figures)
        DOCTOR.register("sockets", doctor.sockets, needs_database=False)
