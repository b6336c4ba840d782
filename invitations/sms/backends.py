"""Where text messages go. The worker calls; a request never waits for a network."""

from collections.abc import Callable, Mapping
from importlib import import_module

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from invitations.sms.messages import SmsError, Template

__all__ = ("SmsError", "Template", "load", "send")

Backend = Callable[[str, Template, Mapping[str, str]], None]


def load() -> Backend:
    """The backend that SMS_BACKEND names: `deliver` of the module of this name.

    Raises ImproperlyConfigured when what it needs is not installed.
    """
    try:
        module = import_module(f"invitations.sms.{settings.SMS_BACKEND}")
    except ModuleNotFoundError as error:
        message = (
            f"SMS_BACKEND is {settings.SMS_BACKEND!r}, which needs the package {error.name}. "
            f"Remedy: pip install --requirement requirements/{settings.SMS_BACKEND}.txt."
        )
        raise ImproperlyConfigured(message) from error
    backend: Backend = module.deliver
    return backend


def send(*, to: str, template: Template, values: Mapping[str, str]) -> None:
    """Hand a message for an E.164 number to the backend. Raises SmsError."""
    load()(to, template, values)
