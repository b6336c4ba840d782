"""A small real HTTP server that stands for an SMS service."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass
class SmsService:
    """What it answers, and what it was sent."""

    status: int = 201
    body: bytes = b""
    hangs: bool = False
    requests: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    url: str = ""
    _released: threading.Event = field(default_factory=threading.Event)

    def answers(self, status: int, body: Any) -> None:
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()

    def receive(self, handler: BaseHTTPRequestHandler) -> None:
        text = handler.rfile.read(int(handler.headers.get("Content-Length", 0))).decode()
        self.requests.append((handler.path, dict(handler.headers), text))
        if self.hangs:
            self._released.wait(timeout=30)
            return
        handler.send_response(self.status)
        handler.send_header("Content-Length", str(len(self.body)))
        handler.end_headers()
        handler.wfile.write(self.body)

    def release(self) -> None:
        self._released.set()


@contextmanager
def sms_service() -> Iterator[SmsService]:
    service = SmsService()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            service.receive(self)

        def log_message(self, *_: object) -> None:
            """Keeps the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        service.release()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmsService]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with sms_service() as running:
        yield running
