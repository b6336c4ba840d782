"""Debian's nginx with the site file of `deploy/nginx`, as an ordinary process on free ports."""

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from semafore.local.servers import ROOT
from semafore.local.valkey import port_answers
from tests.deployment import free_port

SITE = ROOT / "deploy" / "nginx"
MAIN = """\
user {account};
pid {folder}/nginx.pid;
error_log {folder}/main.log;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/temp/body;
    proxy_temp_path {folder}/temp/proxy;
    fastcgi_temp_path {folder}/temp/fastcgi;
    uwsgi_temp_path {folder}/temp/uwsgi;
    scgi_temp_path {folder}/temp/scgi;
    include semafore.conf;
}}
"""


def program() -> str:
    """Where nginx is; without one the test is skipped, and in CI fails."""
    found = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None:
        assert "CI" not in os.environ, "CI has no nginx: .ci/run installs it"
        pytest.skip("there is no nginx here")
    return found


class Proxy:
    """nginx in front of some instances; `with` runs it."""

    def __init__(self, folder: Path, webs: Sequence[int], realtimes: Sequence[int]) -> None:
        self.program = program()
        self.folder = folder
        self.plain_port, self.port, self.monitoring_port = (free_port() for _ in range(3))
        self.certificate = folder / "semafore" / "tls" / "fullchain.pem"
        for part in ("semafore/tls", "temp", "logs"):
            (folder / part).mkdir(parents=True)
        (folder / "temp").chmod(0o777)
        _make_certificate(folder / "semafore" / "tls")
        shutil.copy(SITE / "proxy.conf", folder / "semafore")
        shutil.copytree(SITE / "unavailable", folder / "semafore" / "unavailable")
        self._write(webs, realtimes)
        self._running: subprocess.Popen[bytes] | None = None

    def _write(self, webs: Sequence[int], realtimes: Sequence[int]) -> None:
        """The files as they are, but for ports, folders and the name."""
        main = MAIN.format(account=getpass.getuser(), folder=self.folder)
        (self.folder / "nginx.conf").write_text(main, encoding="utf-8")
        changed = {
            "listen 80 ": f"listen {self.plain_port} ",
            "listen 443 ": f"listen {self.port} ",
            "listen 9180;": f"listen {self.monitoring_port};",
            "listen [::]:80 ": f"listen [::]:{self.plain_port} ",
            "listen [::]:443 ": f"listen [::]:{self.port} ",
            "/var/log/nginx/": f"{self.folder}/logs/",
            "/etc/nginx/semafore/": f"{self.folder}/semafore/",
        }
        if not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists():
            changed = {"    listen [::]:80 default_server;\n": "", **changed}
            changed = {"    listen [::]:443 ssl http2 default_server;\n": "", **changed}
            changed = {key: value for key, value in changed.items() if "[::]" not in value}
        _replace(SITE / "semafore.conf", self.folder / "semafore.conf", changed)
        ports = zip((8000, 8010, 8001, 8011), (*webs, *realtimes), strict=True)
        _replace(
            SITE / "deployment.host.conf",
            self.folder / "semafore" / "deployment.conf",
            {f"127.0.0.1:{usual} ": f"127.0.0.1:{ours} " for usual, ours in ports}
            | {"9180 ": f"{self.monitoring_port} ", "semafore.example": "localhost"},
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when it listens."""
        command = [self.program, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]
        self._running = subprocess.Popen([*command, "-g", "daemon off;"])
        assert port_answers(self.port, seconds=120), self.said()

    def stop(self) -> None:
        """Its fast end."""
        if self._running is not None:
            self._running.terminate()
            self._running.wait(timeout=120)
            self._running = None

    def access(self) -> str:
        """The access log."""
        return (self.folder / "logs" / "access.log").read_text(encoding="utf-8")

    def said(self) -> str:
        """All of its logs."""
        files = [*self.folder.glob("logs/*"), self.folder / "main.log"]
        return "\n".join(file.read_text(errors="replace") for file in files if file.exists())


def _replace(source: Path, target: Path, changed: dict[str, str]) -> None:
    text = source.read_text(encoding="utf-8")
    for before, after in changed.items():
        assert before in text, f"{source.name} has no {before!r} any more"
        text = text.replace(before, after)
    target.write_text(text, encoding="utf-8")


def _make_certificate(folder: Path) -> None:
    """Good for `localhost` and an hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "privkey.pem").touch(mode=0o600)
    (folder / "privkey.pem").write_bytes(private)
