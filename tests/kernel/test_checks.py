"""System checks: what a linter can't see stops the start."""

import gc
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views import View
from pytest_django import Settings
from rest_framework.views import APIView

from audit import registry
from audit.checks import event_types_are_registered
from audit.registry import EventClass, What, event
from semafore.kernel.checks import production_is_safe, views_declare_access, walk_routes
from semafore.kernel.permissions import Access, Permission


class Open(APIView):
    requires = Access.PUBLIC


class Guarded(View):
    requires = Permission.AUDIT_READ


class Undeclared(APIView):
    pass


class Misdeclared(View):
    requires = "audit.read"


def plain(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def ids(messages: list[CheckMessage]) -> list[str]:
    return [str(message.id) for message in messages]


@pytest.fixture
def routed(settings: Settings) -> Callable[..., list[CheckMessage]]:
    """What the check says of these routes."""

    def check(*patterns: Any) -> list[CheckMessage]:
        urls = ModuleType("urls_of_a_test")
        urls.urlpatterns = list(patterns)  # type: ignore[attr-defined]
        settings.ROOT_URLCONF = urls
        return views_declare_access()

    return check


def collect() -> None:
    """What other tests have left open is no fault of the one that finds it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_the_project_passes_its_checks(db: None) -> None:
    collect()  # other tests' event types

    assert run_checks() == []


def test_every_route_of_the_project_is_walked() -> None:
    paths = {path for path, _ in walk_routes()}

    assert paths >= {"healthz", "readyz", "api/schema/", "api/mobile/config", "api/mobile/me"}
    assert "api/mobile/key-bundles/<uuid:device_id>/claim" in paths


def test_views_that_say_what_they_need_pass(routed: Callable[..., list[CheckMessage]]) -> None:
    assert routed(path("a", Open.as_view()), path("b/", Guarded.as_view())) == []


@pytest.mark.parametrize("view", [Undeclared.as_view(), Misdeclared.as_view(), plain])
def test_a_view_that_does_not_is_named(
    routed: Callable[..., list[CheckMessage]], view: Any
) -> None:
    (message,) = routed(path("a", Open.as_view()), path("some/<int:where>", view))

    assert message.id == "kernel.E001"
    assert message.is_serious()
    assert "/some/<int:where>" in message.msg
    assert message.hint


def test_a_view_below_another_route_is_found(routed: Callable[..., list[CheckMessage]]) -> None:
    (message,) = routed(path("up/", include([path("down/", include([path("here", plain)]))])))

    assert "/up/down/here" in message.msg


def said_of(name: str) -> list[CheckMessage]:
    """What the check says of the types of one test."""
    return [message for message in event_types_are_registered() if name in message.msg]


@pytest.fixture
def forgetting_types() -> Iterator[None]:
    """Takes the types of a test out of the registry, and their classes out of the process."""
    before = set(registry._types)
    yield
    for name in set(registry._types) - before:
        del registry._types[name]
    collect()


def test_an_event_type_that_is_not_registered_is_named(forgetting_types: None) -> None:
    class Forgotten(What):
        """Nobody decorated it."""

    (message,) = said_of("Forgotten")

    assert message.id == "audit.E001"
    assert message.is_serious()
    del Forgotten


def test_an_event_type_below_another_is_found_too(forgetting_types: None) -> None:
    @event("test.happened", EventClass.LOG, sentence="{actor} did it.")
    class Known(What):
        """Registered."""

    class Below(Known):
        """Not registered, and would be recorded as its parent."""

    assert ids(said_of("Below")) == ["audit.E001"]
    assert said_of("Known") == []
    del Known, Below


def test_a_sentence_with_an_unknown_name_is_named(forgetting_types: None) -> None:
    @event("test.happened", EventClass.LOG, sentence="{actor} saw {target} with {hat}.")
    class Seen(What):
        """Holds a coat and no hat."""

        coat: str

    (message,) = said_of("test.happened")

    assert message.id == "audit.E002"
    assert "{hat}" in message.msg
    del Seen


def test_a_sentence_with_its_own_names_passes(forgetting_types: None) -> None:
    @event("test.happened", EventClass.LOG, sentence="{actor}, {target}, {subject}, {room}: {hat}.")
    class Seen(What):
        """Holds a hat."""

        hat: str

    assert said_of("test.happened") == []
    del Seen


@pytest.mark.parametrize(
    ("tls_proxy", "base_url", "found"),
    [
        (True, "https://semafore.example", []),
        (False, "https://semafore.example", ["kernel.E002"]),
        (True, "http://semafore.example", ["kernel.E003"]),
        (False, "http://semafore.example", ["kernel.E002", "kernel.E003"]),
    ],
)
def test_production_speaks_tls(
    settings: Settings, tls_proxy: bool, base_url: str, found: list[str]
) -> None:
    settings.TLS_PROXY, settings.BASE_URL = tls_proxy, base_url
    settings.FIELD_KEYS = ["-"]

    assert ids(production_is_safe()) == found


def test_production_seals_under_keys_of_its_own(settings: Settings) -> None:
    settings.TLS_PROXY, settings.BASE_URL = True, "https://semafore.example"
    settings.FIELD_KEYS = []

    assert ids(production_is_safe()) == ["kernel.E004"]


def test_a_developers_settings_are_not_safe_for_production(settings: Settings) -> None:
    settings.TLS_PROXY, settings.BASE_URL = False, "http://127.0.0.1:8000"

    found = ids(run_checks(include_deployment_checks=True))
    assert {"kernel.E002", "kernel.E003"} <= set(found)
