"""nginx with the site file, in front of instances that come and go within a moment."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deploy.proxy import Proxy
from tests.deployment import free_port


class Answers(BaseHTTPRequestHandler):
    """An instance that answers everything."""

    def do_POST(self) -> None:
        """With nothing."""
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Nothing."""


@contextmanager
def instance(port: int) -> Iterator[None]:
    """Who answers on the port."""
    with ThreadingHTTPServer(("127.0.0.1", port), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def ports() -> tuple[int, int]:
    """Of the two instances of the web process."""
    return free_port(), free_port()


@pytest.fixture
def proxy(ports: tuple[int, int], tmp_path: Path) -> Iterator[Proxy]:
    with Proxy(tmp_path, ports, [free_port(), free_port()]) as running:
        yield running


def test_who_came_back_a_moment_ago_is_asked_when_the_other_goes(
    proxy: Proxy, ports: tuple[int, int]
) -> None:
    """A rolling restart on a quick machine: nginx still leaves the one alone, the other is gone."""
    first, second = ports
    url = f"https://localhost:{proxy.port}/api/mobile/auth/token"
    trusted = ssl.create_default_context(cafile=str(proxy.certificate))
    with httpx.Client(verify=trusted, trust_env=False, timeout=60) as client:

        def statuses() -> set[int]:
            return {client.post(url).status_code for _ in range(12)}

        with ExitStack() as going, ExitStack() as coming:
            going.enter_context(instance(second))
            assert statuses() == {204}
            coming.enter_context(instance(first))
            going.close()
            assert statuses() == {204}
        assert statuses() == {503}
