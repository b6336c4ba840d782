"""The app."""

from django.apps import AppConfig


class InvitationsConfig(AppConfig):
    """Invitations, onboarding, phone codes, SMS backends."""

    name = "invitations"
    verbose_name = "Invitations and onboarding"
