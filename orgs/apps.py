"""The app."""

from django.apps import AppConfig


class OrgsConfig(AppConfig):
    """Accounts, organisations, memberships, policy."""

    name = "orgs"
    verbose_name = "People and organisations"
