"""What the device shows to be compared is of the key that it made, whatever the server says."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest

from keys.fingerprint import fingerprint
from semafore.local.client import commands
from semafore.local.client.demo import Demo
from semafore.local.client.keyfile import KeyFile

LIE = " ".join(["12345"] * 12)
DEVICE_ID, ORGANISATION_ID = uuid4(), uuid4()


class Liar(BaseHTTPRequestHandler):
    """A server that exchanged the key: it shows the device what it shows the administrator."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        answer: dict[str, Any]
        if self.path.endswith("/device"):
            answer = {"device_id": str(DEVICE_ID), "fingerprint": LIE}
        else:
            answer = {
                "id": str(uuid4()),
                "organisation": {"id": str(ORGANISATION_ID)},
                "session": {"session_token": "sfo_x", "steps": []},
            }
        body = json.dumps(answer).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quietly."""


@pytest.fixture
def liar() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Liar) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_fingerprint_is_of_the_own_key(
    liar: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "demo.json"
    file.write_text(json.dumps({"devices": [], "invitations": []}), "utf-8")
    demo = Demo(
        base_url=liar,
        events_url="",
        sms_outbox=tmp_path / "sms.jsonl",
        slugs={ORGANISATION_ID: "acme"},
        devices=(),
        invitations=(),
        file=file,
    )

    commands.enrol(demo, "mine", "token", trace=None)

    shown = capsys.readouterr().out
    keys = KeyFile(tmp_path / "devices" / "mine.json").load()
    assert fingerprint(keys.identity_key, DEVICE_ID) in shown
    assert LIE not in shown
