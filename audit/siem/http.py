"""HTTPS to a receiver: one checked address, no proxy, no redirect, little read of what it says.

httpcore, which is httpx without what we must not do: it follows no redirect, reads no proxy from
the environment, unpacks nothing, keeps no cookie.
"""

import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import certifi
import httpcore

from audit.siem.addresses import HTTPS_PORT, Target, resolve

OPERATION_SECONDS = 10.0
REQUEST_SECONDS = 20.0
"""From the first byte of a connection to the last of the answer."""
MOST_READ = 64 * 1024
"""Bytes of an answer; what comes after them is not waited for."""
PIECE = 16 * 1024
AGENT = b"SemaFore-Server"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a receiver answered."""

    status: int
    retry_after: str
    """The header as it stands."""
    body: bytes
    """The beginning."""


class _Deadline:
    """By when the request under way must be over."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.restart()

    def restart(self) -> None:
        self._at = time.monotonic() + self._seconds

    def within(self, timeout: float | None, error: type[Exception]) -> float:
        """How long one operation may take."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise error("the time for a request is over")
        return left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    """A connection that drips is ended too: each operation ends with the request's time."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.within(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for at in range(0, len(buffer), PIECE):
            left = self._deadline.within(timeout, httpcore.WriteTimeout)
            self._stream.write(buffer[at : at + PIECE], left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.within(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _CheckedBackend(httpcore.NetworkBackend):
    """Resolves a name once a connection and dials the address that was checked."""

    def __init__(self, deadline: _Deadline) -> None:
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        *others, last = resolve(host, port)
        for address in others:
            left = self._deadline.within(timeout, httpcore.ConnectTimeout)
            try:
                return self._connected(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        left = self._deadline.within(timeout, httpcore.ConnectTimeout)
        return self._connected(last, port, left, local_address, socket_options)

    def _connected(self, *arguments: Any) -> _Stream:
        return _Stream(self._sockets.connect_tcp(*arguments), self._deadline)


def trusting(ca: str) -> ssl.SSLContext:
    """Trusts these certificates in PEM alone; the public authorities where there are none."""
    if ca:
        return ssl.create_default_context(cadata=ca)
    return ssl.create_default_context(cafile=certifi.where())


class Poster:
    """Posts to one target over a connection that is kept until the end of the block."""

    def __init__(self, target: Target, *, ca: str = "", seconds: float = REQUEST_SECONDS) -> None:
        self._target = target
        self._deadline = _Deadline(seconds)
        self._pool = httpcore.ConnectionPool(
            ssl_context=trusting(ca),
            max_connections=1,
            network_backend=_CheckedBackend(self._deadline),
        )
        self._timeouts = dict.fromkeys(
            ("connect", "read", "write", "pool"), min(OPERATION_SECONDS, seconds)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._pool.close()

    def _host(self) -> bytes:
        host = f"[{self._target.host}]" if ":" in self._target.host else self._target.host
        named = host if self._target.port == HTTPS_PORT else f"{host}:{self._target.port}"
        return named.encode()

    def post(self, body: bytes, headers: Sequence[tuple[bytes, bytes]]) -> Reply:
        """What the receiver answers, whatever the status.

        Raises OSError where its name leads nowhere or where nothing may be sent, httpcore's errors
        where it can't be reached or doesn't answer whole and in time.
        """
        self._deadline.restart()
        url = httpcore.URL(
            scheme=b"https",
            host=self._target.host.encode(),
            port=self._target.port,
            target=self._target.path.encode(),
        )
        with self._pool.stream(
            "POST",
            url,
            headers=[(b"Host", self._host()), (b"User-Agent", AGENT), *headers],
            content=body,
            extensions={"timeout": self._timeouts},
        ) as response:
            read = bytearray()
            for piece in response.iter_stream():
                read += piece
                if len(read) >= MOST_READ:
                    break
            named = {name.lower(): value for name, value in response.headers}
            retry_after = named.get(b"retry-after", b"").decode("latin-1").strip()
            return Reply(response.status, retry_after, bytes(read[:MOST_READ]))
