"""Chromium, the server that it looks at, and how a page is looked at."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as django_settings
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connections
from django.urls import Resolver404, resolve
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    ViewportSize,
    expect,
)

from orgs.models import Membership
from semafore.local.servers import LOCAL
from semafore.wsgi import application
from tests import cast

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
)
NAMES = ("chromium", "chromium-browser", "google-chrome")
SCREENSHOTS = LOCAL / "screenshots"
PATIENCE = 120_000
"""Milliseconds that a page may take for anything: no test is of speed."""
expect.set_options(timeout=PATIENCE)
WIDE: ViewportSize = {"width": 1280, "height": 800}
NARROW: ViewportSize = {"width": 390, "height": 844}
PICTURES = not os.environ.get("CI")
"""Nobody looks at those of a machine that only tests, and they take half of the time."""
AXE = Axe().axe_script
COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules of axe that a dark page may break and a light one not."""
ROOM = ["scrollable-region-focusable", "meta-viewport", "css-orientation-lock"]
"""Likewise a narrow one: the others hang on no width."""


class BrowserAs(Protocol):
    """Opens a page for whoever is signed in."""

    def __call__(self, person: Membership, *, scripts: bool = True) -> Page: ...


class NewBrowser(Protocol):
    """Opens a stranger's page in a browser of its own."""

    def __call__(self, *, scripts: bool = True) -> Page: ...


def chromium_path() -> str | None:
    """Chromium of the environment variable CHROMIUM, or of this machine."""
    found = (shutil.which(name) for name in (os.environ.get("CHROMIUM", ""), *NAMES) if name)
    return next((path for path in found if path), None)


class QuietHandler(WSGIRequestHandler):
    """Logs no request, and gives back the connection to the database after each.

    Nothing else does: the pool would run out with what browsers keep open.
    """

    def handle_one_request(self) -> None:
        super().handle_one_request()
        connections.close_all()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        pass


@contextmanager
def served() -> Iterator[str]:
    """The application in threads of this process, with this process's settings and database."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietHandler)
    server.set_app(application)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def new_context(chromium: Browser, address: str, *, scripts: bool = True) -> BrowserContext:
    """A browser without a past, somewhere off UTC."""
    return chromium.new_context(
        base_url=address,
        viewport=WIDE,
        locale="en-GB",
        timezone_id="Europe/Berlin",
        permissions=["clipboard-read", "clipboard-write"],
        java_script_enabled=scripts,
    )


@contextmanager
def watched(context: BrowserContext) -> Iterator[Page]:
    """A page; afterwards, nothing in it may have broken the CSP or thrown."""
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: _note(message, faults))
    yield page
    assert faults == [], f"the browser complained: {faults}"


def _note(message: ConsoleMessage, faults: list[str]) -> None:
    # That a page answered 404 or 500 is the business of the test that asked for it.
    if message.type == "error" and "the server responded with a status of" not in message.text:
        faults.append(message.text)


@contextmanager
def pages_of_people(chromium: Browser, address: str) -> Iterator[BrowserAs]:
    """Opens a page of its own for whoever signs in; what breaks in it fails the test."""
    with ExitStack() as opened:

        def browser(person: Membership, *, scripts: bool = True) -> Page:
            context = opened.enter_context(new_context(chromium, address, scripts=scripts))
            cookie = cast.signed_in(person).cookies[django_settings.SESSION_COOKIE_NAME]
            # 127.0.0.1 counts as secure, so that the cookie can be as strict as in production.
            secure = address.replace("http:", "https:")
            context.add_cookies(
                [{"name": cookie.key, "value": cookie.value, "url": secure, "secure": True}]
            )
            return opened.enter_context(watched(context))

        yield browser


def look(page: Page, name: str) -> None:
    """In light, dark and narrow: axe finds nothing serious, nothing sticks out; pictures of it."""
    views = (("light", WIDE, None), ("dark", WIDE, COLOURS), ("narrow", NARROW, ROOM))
    page.wait_for_load_state()
    page.evaluate(AXE)
    for view, size, rules in views:
        page.emulate_media(color_scheme="dark" if view == "dark" else "light")
        page.set_viewport_size(size)
        # What hangs on the size, such as whether a table scrolls, is seen to within a frame.
        page.evaluate("new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn)))")
        # Django's own pages fade from one scheme into the other.
        page.evaluate("Promise.all(document.getAnimations().map(one => one.finished))")
        if PICTURES:
            page.screenshot(path=SCREENSHOTS / f"{name}-{view}.png", full_page=True)
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, f"{name} ({view}) is {wider} px wider than the window"
        options = {
            "resultTypes": ["violations"],
            "preload": False,
            **({"runOnly": rules} if rules else {}),
        }
        found = page.evaluate("options => axe.run(options)", options)["violations"]
        grave = [
            f"{one['id']}: {node['html']} {node['failureSummary']}"
            for one in found
            if one["impact"] in {"serious", "critical"}
            for node in one["nodes"]
        ]
        assert not grave, f"{name} ({view})\n" + "\n".join(grave)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(WIDE)


def _route(url: str) -> str | None:
    try:
        return resolve(urlsplit(url).path).url_name
    except Resolver404:
        return None


def seen(page: Page, route: str, suffix: str = "") -> None:
    """The page comes to this route, and looks well."""
    page.wait_for_url(lambda url: _route(url) == route)
    look(page, route.replace("_", "-") + suffix)
