"""The app."""

from django.apps import AppConfig


class OrgsConfig(AppConfig):
    """Accounts, organisations, memberships, policy."""

    name = "orgs"
    verbose_name = "People and organisations"

    def ready(self) -> None:
        """Answer who may do what, and follow what has lived its time."""
        from orgs import doctor, metrics
        from orgs.selectors import held
        from orgs.selectors.maintenance import closed_for_maintenance
        from orgs.selectors.members import on_permission_holders
        from orgs.services import mail, retention
        from semafore.kernel import hooks
        from semafore.kernel.closing import CLOSING
        from semafore.kernel.doctor import DOCTOR
        from semafore.kernel.metrics import FIGURES

        hooks.permission_holders.register(on_permission_holders)
        hooks.people_to_tell.register(mail.on_people_to_tell)
        hooks.retention_sweep.register(retention.on_retention_sweep)
        hooks.held_on_person.register(held.on_held_on_person)
        CLOSING.register(closed_for_maintenance)
        FIGURES.register("orgs", metrics.figures)
        DOCTOR.register("mail server", doctor.mail_server, needs_database=False)
        DOCTOR.register("mail", doctor.mail)
