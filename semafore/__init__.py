"""The project: composition of the apps, settings, entry points."""

from semafore.celery import application as celery_application

__all__ = ["celery_application"]
