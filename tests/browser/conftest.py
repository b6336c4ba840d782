"""A person's browser: Chromium on the real application, over rows that are committed."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast as typed

import pytest
import pytest_django
from django.conf import settings as django_settings
from django.db import connection
from django.test import override_settings
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django import Settings

from orgs.models import Organisation
from tests import cast
from tests.browser.browsers import (
    FLAGS,
    PATIENCE,
    BrowserAs,
    NewBrowser,
    chromium_path,
    new_context,
    pages_of_people,
    served,
    watched,
)
from tests.browser.scene import Scene, an_organisation
from tests.browser.scene_exports import add_exports
from tests.browser.scene_log import add_log
from tests.browser.scene_managed import add_postures
from tests.browser.scene_operations import add_operations
from tests.browser.scene_reports import add_reports
from tests.browser.scene_rooms import add_rooms
from tests.browser.scene_siem import add_siem
from tests.conftest import empty_every_table

TEMPLATES = Path(__file__).parent / "templates"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a module: Playwright's event loop must be gone before asynchronous tests."""
    path = chromium_path()
    if path is None:
        message = "no Chromium found: install it, or name it in CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with pytest.MonkeyPatch.context() as patch:
        # Playwright runs a loop in this thread, which Django takes for asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS, timeout=PATIENCE)
            yield browser
            browser.close()


@pytest.fixture(scope="module")
def address(django_db_setup: None) -> Iterator[str]:
    """Where the application is served."""
    with served() as address:
        yield address


@pytest.fixture
def browser_as(chromium: Browser, address: str, committed: None) -> Iterator[BrowserAs]:
    """Opens a page of its own for whoever signs in; what breaks in it fails the test."""
    with pages_of_people(chromium, address) as browser:
        yield browser


@pytest.fixture
def new_browser(chromium: Browser, address: str, committed: None) -> Iterator[NewBrowser]:
    """Opens a page of its own for a stranger; what breaks in it fails the test."""
    with ExitStack() as opened:

        def browser(*, scripts: bool = True) -> Page:
            context = opened.enter_context(new_context(chromium, address, scripts=scripts))
            return opened.enter_context(watched(context))

        yield browser


@pytest.fixture
def page(new_browser: NewBrowser) -> Page:
    """A stranger's page."""
    return new_browser()


@pytest.fixture
def acme(committed: None) -> Organisation:
    """Alice's organisation, committed."""
    return cast.organisation("Acme")


@pytest.fixture
def globex(committed: None) -> Organisation:
    """Charlie's organisation, committed."""
    return cast.organisation("Globex")


@pytest.fixture
def outbox(settings: Settings, tmp_path: Path) -> Path:
    """The messages that the test sends by SMS; nobody is throttled meanwhile."""
    settings.UNAUTHENTICATED_PER_MINUTE = 1_000_000
    settings.SMS_FILE = str(tmp_path / "sms.jsonl")
    return tmp_path / "sms.jsonl"


@pytest.fixture
def scene(committed: None, outbox: Path) -> Scene:
    """An organisation in the middle of its work."""
    return a_whole_scene()


@pytest.fixture(scope="module")
def lasting_scene(
    django_db_setup: None,
    django_db_blocker: pytest_django.DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Scene]:
    """The same for all tests of a file that only look."""
    file = tmp_path_factory.mktemp("scene") / "sms.jsonl"
    with (
        django_db_blocker.unblock(),
        override_settings(UNAUTHENTICATED_PER_MINUTE=1_000_000, SMS_FILE=str(file)),
    ):
        yield a_whole_scene()
        empty_every_table()
        connection.close()


def a_whole_scene() -> Scene:
    """Something of every kind."""
    made = an_organisation()
    add_rooms(made)
    add_reports(made)
    add_log(made)
    add_siem(made)
    add_exports(made)
    add_operations(made)
    add_postures(made)
    return made


@pytest.fixture
def gallery(settings: Settings) -> None:
    """The routes and templates of the gallery besides the real ones."""
    settings.ROOT_URLCONF = "tests.browser.gallery"
    (engine,) = django_settings.TEMPLATES
    folders = [*typed("list[Path]", engine["DIRS"]), TEMPLATES]
    settings.TEMPLATES = [{**engine, "DIRS": folders}]
