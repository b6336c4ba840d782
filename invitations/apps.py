"""The app."""

from django.apps import AppConfig


class InvitationsConfig(AppConfig):
    """Invitations, onboarding, phone codes, SMS backends."""

    name = "invitations"
    verbose_name = "Invitations and onboarding"

    def ready(self) -> None:
        """Register the checks; without the package of its SMS backend the server doesn't start."""
        from invitations import checks  # noqa: F401 - registers them
        from invitations.sms import backends

        backends.load()
