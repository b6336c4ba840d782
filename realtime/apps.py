"""The app."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    """The device socket."""

    name = "realtime"
    verbose_name = "Device socket"
