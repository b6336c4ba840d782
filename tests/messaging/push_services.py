"""Small real servers that stand for Apple's service (HTTP/2, TLS) and Google's (HTTP)."""

import asyncio
import ipaddress
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from hypercorn.asyncio import serve
from hypercorn.config import Config

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def pem(key: PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    """One for all tests: making it takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificates(folder: Path) -> Path:
    """A certificate authority, and a certificate of it for 127.0.0.1; the folder with the files."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the test")])
    (folder / "authority.pem").write_bytes(
        _certificate(authority, authority_key, authority, authority_key, is_authority=True)
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    (folder / "server.pem").write_bytes(
        _certificate(name, key, authority, authority_key, is_authority=False)
    )
    (folder / "server.key").write_text(pem(key))
    return folder


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool,
) -> bytes:
    now = datetime.now(UTC)
    day = timedelta(days=1)
    address = x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))
    known = x509.SubjectKeyIdentifier.from_public_key(issuer_key.public_key())
    built = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known), critical=False
        )
    )
    return built.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@dataclass
class Apple:
    """What it answers, and what it was sent."""

    key: ec.EllipticCurvePrivateKey
    status: int = 200
    body: bytes = b""
    requests: list[dict[str, Any]] = field(default_factory=list)
    connections: set[int] = field(default_factory=set)
    url: str = ""
    hangs: bool = False

    def answers(self, status: int, reason: str | None = None) -> None:
        self.status = status
        self.body = b"" if reason is None else json.dumps({"reason": reason}).encode()

    def provider_token(self, number: int = -1) -> tuple[dict[str, Any], dict[str, Any]]:
        """The header and the claims of the token that a request bore, its signature checked."""
        token = self.requests[number]["authorization"].removeprefix("bearer ")
        claims = jwt.decode(
            token, self.key.public_key(), algorithms=["ES256"], options={"verify_iat": False}
        )
        return jwt.get_unverified_header(token), claims

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await _lifespan(receive, send)
            return
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        body += message.get("body", b"")
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.connections.add(scope["client"][1])
        self.requests.append(
            {"version": scope["http_version"], "path": scope["path"], "body": body, **headers}
        )
        if self.hangs:
            await asyncio.sleep(30)
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": self.body})


async def _lifespan(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


@contextmanager
def listening(apple: Apple, folder: Path, port: int = 0) -> Iterator[int]:
    """Have it answer at a port, in a thread of its own; the port."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    # From now on, for whoever comes before the server does.
    listener.listen()
    port = listener.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.certfile, config.keyfile = str(folder / "server.pem"), str(folder / "server.key")
    config.alpn_protocols = ["h2"]
    config.errorlog = None
    config.graceful_timeout = config.shutdown_timeout = 0.1
    # However long a busy machine takes from one push to the next.
    config.keep_alive_timeout = 600
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()

    async def run() -> None:
        running = asyncio.create_task(serve(apple, config, shutdown_trigger=ended.wait))
        await ended.wait()
        # A client that stays on the line isn't waited for: TLS would, for half a minute.
        await asyncio.wait([running], timeout=0.3)
        for transport in list(loop._transports.values()):  # type: ignore[attr-defined]
            transport.abort()
        await asyncio.wait([running], timeout=5)

    def run_in_thread() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(run())

    thread = threading.Thread(target=run_in_thread)
    thread.start()
    apple.url = f"https://127.0.0.1:{port}"
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()


@dataclass
class Google:
    """What it answers, and what it was sent."""

    status: int = 200
    body: Any = field(default_factory=dict)
    sign_in_status: int = 200
    expires_in: Any = 3600
    sign_ins: list[dict[str, Any]] = field(default_factory=list)
    messages: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    url: str = ""

    @property
    def account(self) -> dict[str, str]:
        """The file of the service account."""
        return {
            "type": "service_account",
            "project_id": "semafore-test",
            "client_email": "push@semafore-test.example",
            "private_key_id": "key-1",
            "private_key": pem(rsa_key()),
            "token_uri": f"{self.url}/token",
        }

    def unregistered(self) -> None:
        kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
        details = [{"@type": kind, "errorCode": "UNREGISTERED"}]
        self.status = 404
        self.body = {"error": {"code": 404, "status": "NOT_FOUND", "details": details}}

    def receive(self, path: str, authorisation: str, text: str) -> tuple[int, Any]:
        if path != "/token":
            self.messages.append((path, authorisation, json.loads(text)))
            return self.status, self.body
        form = {name: values[0] for name, values in parse_qs(text).items()}
        assert form["grant_type"] == GRANT
        claims = jwt.decode(
            form["assertion"],
            rsa_key().public_key(),
            algorithms=["RS256"],
            audience=f"{self.url}/token",
            options={"verify_iat": False, "verify_exp": False},
        )
        self.sign_ins.append(claims | jwt.get_unverified_header(form["assertion"]))
        token = f"access-token-of-google-{len(self.sign_ins)}"
        return self.sign_in_status, {"access_token": token, "expires_in": self.expires_in}


@contextmanager
def google_service() -> Iterator[Google]:
    google = Google()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, body = google.receive(self.path, self.headers.get("Authorization", ""), text)
            sent = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: object) -> None:
            """Keeps the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    google.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield google
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
