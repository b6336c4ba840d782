"""The app."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Communication graph, timing, membership at a moment."""

    name = "reports"
    verbose_name = "Reports"
