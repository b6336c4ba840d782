"""A receiver of events over HTTPS, real, with a CA of its own, that misbehaves on purpose."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HOST = "localhost"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """A CA that nobody else trusts, and a certificate that it gave to `localhost`."""

    ca: str
    chain: bytes
    """Certificate and private key, in PEM."""


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey, *, ca: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A CA of a test")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(issuer if ca else subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
    )
    return builder.sign(by, SHA256())


@cache
def authority() -> Authority:
    """The same for all tests of a process."""
    root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(HOST, leaf, root, ca=False)
    private = leaf.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Authority(
        ca=_certificate(HOST, root, root, ca=True).public_bytes(Encoding.PEM).decode(),
        chain=certificate.public_bytes(Encoding.PEM) + private,
    )


@dataclass
class Request:
    """One that arrived whole."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its events: of an array, or one after the other."""
        text, found = self.body.decode(), []
        decoder = json.JSONDecoder()
        if text.startswith("["):
            return list(json.loads(text))
        while text:
            one, at = decoder.raw_decode(text)
            found.append(one)
            text = text[at:]
        return found


Behaviour = Callable[["Handler"], None]
"""What happens once a request was read; its events count as received if it says so."""


class Handler(BaseHTTPRequestHandler):
    """Reads the request, then does what the receiver is told to."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked = Request(self.path, dict(self.headers.items()), body)
        self.server.receiver.requests.append(self.asked)
        self.server.receiver.behaviour(self)

    def take(self) -> None:
        """Keep the events."""
        self.server.receiver.received.extend(self.asked.events)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    receiver: "Receiver"

    def handle_error(self, *_arguments: object) -> None:
        """Whoever hangs up has its reasons."""


@dataclass
class Receiver:
    """What it got, and how it behaves."""

    port: int
    behaviour: Behaviour
    requests: list[Request] = field(default_factory=list)
    received: list[dict[str, Any]] = field(default_factory=list)
    """Every event that was taken, duplicates too."""
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}/collect"

    @property
    def first_receipts(self) -> list[int]:
        """The places of the events in the order in which each came first."""
        return list(dict.fromkeys(event_seq(one) for one in self.received))


def event_seq(event: dict[str, Any]) -> int:
    """Its place in the log, in whichever format."""
    event = event.get("event", event)
    return int(event["seq"] if "seq" in event else event["metadata"]["sequence"])


def event_id(event: dict[str, Any]) -> str:
    """Its id, in whichever format."""
    event = event.get("event", event)
    return str(event["id"] if "id" in event else event["metadata"]["uid"])


@contextmanager
def receiver(behaviour: Behaviour, *, port: int = 0) -> Iterator[Receiver]:
    """A receiver that behaves so until the block ends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        chain = Path(folder) / "chain.pem"
        chain.write_bytes(authority().chain)
        context.load_cert_chain(chain)
    server = Server(("127.0.0.1", port), Handler)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    found = Receiver(port=server.server_address[1], behaviour=behaviour)
    server.receiver = found
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        found.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def takes(handler: Handler) -> None:
    """As it should."""
    handler.take()
    handler.answer(200, b'{"text":"Success","code":0}')


def answers(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Takes nothing and says so."""
    return lambda handler: handler.answer(status, body, **headers)


def cuts_after_reading(handler: Handler) -> None:
    """Has the events, and hangs up without a word."""
    handler.take()
    hang_up(handler)


def cuts_in_the_answer(handler: Handler) -> None:
    """Has the events, begins to say so and hangs up."""
    handler.take()
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{"text":')
    hang_up(handler)


def hang_up(handler: Handler) -> None:
    handler.close_connection = True
    with suppress(OSError):
        handler.connection.shutdown(2)


def says_nothing(handler: Handler) -> None:
    """Until the receiver ends."""
    handler.server.receiver.over.wait(60)
    hang_up(handler)


def drips(handler: Handler) -> None:
    """An answer without an end, in small pieces: every operation is quick."""
    with suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not handler.server.receiver.over.wait(0.05):
            handler.wfile.write(b"X-Filler: 1\r\n")


def floods(handler: Handler) -> None:
    """Takes the events and answers for ever."""
    handler.take()
    with suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not handler.server.receiver.over.is_set():
            handler.wfile.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")


def refuses_event(seq: int, status: int = 400) -> Behaviour:
    """Takes no batch with this event in it."""

    def behave(handler: Handler) -> None:
        if seq in map(event_seq, handler.asked.events):
            handler.answer(status, b'{"text":"Invalid data format","code":6}')
        else:
            takes(handler)

    return behave
