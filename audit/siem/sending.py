"""One batch on its way to a receiver, in whichever format; what comes back is an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import httpcore

from audit.siem.addresses import Target, https_target, resolve, tls_target
from audit.siem.answers import Answer, Verdict, answer_of, failure_of, hec_answer_of
from audit.siem.formats import Format
from audit.siem.http import OPERATION_SECONDS, REQUEST_SECONDS, Poster
from audit.siem.tls import Connection, connect

HTTPS = (Format.OCSF, Format.SPLUNK_HEC)
"""The others go over TLS alone."""

BATCH_EVENTS = 1000
BATCH_BYTES = 512 * 1024
AROUND = 16
"""Bytes at most that a batch has around an event: a comma, or its frame's length."""

JSON = (b"Content-Type", b"application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Where to send, in which format, and with what secret."""

    format: Format
    target: Target
    header: str
    secret: str
    ca: str


class Sender(Protocol):
    """Sends batches over a connection that it keeps."""

    def send(self, messages: Sequence[bytes]) -> Answer:
        """Send one batch. Never raises for what a receiver or the network does."""

    def close(self) -> None:
        """End the connection."""


def target_of(format_: Format, address: str) -> Target:
    """Where this format goes. Raises InvalidAddressError."""
    return https_target(address) if format_ in HTTPS else tls_target(address)


def sender_to(receiver: Receiver, *, seconds: float = REQUEST_SECONDS) -> Sender:
    """A sender in the receiver's format; `seconds` are for a whole batch."""
    if receiver.format in HTTPS:
        return HttpSender(receiver, seconds)
    return TlsSender(receiver, seconds)


class HttpSender:
    """OCSF as one JSON array a batch; HEC as its objects, one after the other."""

    def __init__(self, receiver: Receiver, seconds: float) -> None:
        self._receiver = receiver
        self._poster = Poster(receiver.target, ca=receiver.ca, seconds=seconds)

    def send(self, messages: Sequence[bytes]) -> Answer:
        """Taken once the receiver said so."""
        receiver = self._receiver
        hec = receiver.format is Format.SPLUNK_HEC
        body = b"".join(messages) if hec else b"[" + b",".join(messages) + b"]"
        try:
            reply = self._poster.post(body, [JSON, *self._secret()])
        except (OSError, httpcore.TimeoutException, httpcore.NetworkError) as error:
            return failure_of(error)
        except httpcore.ProtocolError as error:
            return failure_of(error)
        return (hec_answer_of if hec else answer_of)(reply, secret=receiver.secret)

    def _secret(self) -> list[tuple[bytes, bytes]]:
        receiver = self._receiver
        if not receiver.secret:
            return []
        if receiver.format is Format.SPLUNK_HEC:
            return [(b"Authorization", f"Splunk {receiver.secret}".encode())]
        return [(receiver.header.encode(), receiver.secret.encode())]

    def close(self) -> None:
        """End the connection."""
        self._poster.close()


class TlsSender:
    """Syslog over TLS, in either format. There is no answer: written is all that is known."""

    def __init__(self, receiver: Receiver, seconds: float) -> None:
        self._receiver = receiver
        self._timeout = min(OPERATION_SECONDS, seconds)
        self._connection: Connection | None = None

    def send(self, messages: Sequence[bytes]) -> Answer:
        """Taken once it is written."""
        try:
            if self._connection is None:
                self._connection = self._connected()
            self._connection.send(messages)
        except OSError as error:
            self.close()
            return failure_of(error)
        return Answer(Verdict.TAKEN, "Written")

    def _connected(self) -> Connection:
        """To the first address that answers, all of them looked at. Raises OSError."""
        target = self._receiver.target
        *others, last = resolve(target.host, target.port)
        for address in others:
            try:
                return self._to(address)
            except (ConnectionError, TimeoutError):
                continue
        return self._to(last)

    def _to(self, address: str) -> Connection:
        target, ca = self._receiver.target, self._receiver.ca
        return connect(target.host, target.port, address=address, ca=ca, timeout=self._timeout)

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
