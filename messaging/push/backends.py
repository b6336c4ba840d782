"""Where pushes go. The worker calls, outside any transaction."""

from collections.abc import Callable
from importlib import import_module

from django.conf import settings

from messaging.push.outcomes import Target

Backend = Callable[[Target], None]


def send(target: Target) -> None:
    """Hand a push to the backend: `deliver` of the module of PUSH_BACKEND's name.

    Raises PushError, TokenGoneError. Any number of threads may call it at a time.
    """
    backend: Backend = import_module(f"messaging.push.{settings.PUSH_BACKEND}").deliver
    backend(target)
