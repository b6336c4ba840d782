"""The TLS way, against receivers that do what rsyslog doesn't."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from audit.siem.tls import Connection, connect
from tests.audit.siem.authority import Authority

HOST = "siem.example"


@dataclass
class Receiver:
    """One connection's other side, in a thread of its own."""

    listening: socket.socket
    context: ssl.SSLContext
    asked_for: list[str | None] = field(default_factory=list)
    ended: str = ""
    """How the sender ended: `closed` by TLS's own message, or `cut off`."""
    received: bytes = b""
    open: ssl.SSLSocket | None = None

    @property
    def port(self) -> int:
        return int(self.listening.getsockname()[1])

    def accept(self) -> ssl.SSLSocket:
        self.context.sni_callback = lambda _tls, name, _context: self.asked_for.append(name)
        plain, _ = self.listening.accept()
        self.open = self.context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False)
        return self.open

    def read_all(self) -> None:
        with self.accept() as tls:
            try:
                while piece := tls.recv(65536):
                    self.received += piece
                self.ended = "closed"
            except ssl.SSLEOFError:
                self.ended = "cut off"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def receiver(authority: Authority, tmp_path: Path) -> Iterator[Receiver]:
    issued = authority.issue(HOST, "127.0.0.1")
    (tmp_path / "both.pem").write_text(issued.key + issued.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # A receiver that doesn't read is soon full.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made = Receiver(listening, context)
        yield made
        if made.open is not None:
            made.open.close()


SHORT = 0.5
"""Seconds, for what never comes."""


def dial(
    receiver: Receiver, authority: Authority, host: str = HOST, *, timeout: float = 100
) -> Connection:
    return connect(
        host, receiver.port, address="127.0.0.1", ca=authority.certificate, timeout=timeout
    )


def beside(act: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=act)
    thread.start()
    return thread


def test_frames_are_counted_in_bytes_and_the_end_is_said(
    receiver: Receiver, authority: Authority
) -> None:
    reading = beside(receiver.read_all)
    connection = dial(receiver, authority)
    connection.send(["<13>1 é\n".encode(), b"second"])
    connection.send([b"third"])
    connection.close()
    reading.join()

    assert receiver.received == "9 <13>1 é\n6 second5 third".encode()
    assert receiver.ended == "closed"


def test_the_address_is_dialled_and_the_host_is_asked_for(
    receiver: Receiver, authority: Authority
) -> None:
    reading = beside(receiver.read_all)
    # No resolver knows this name.
    dial(receiver, authority).close()
    reading.join()

    assert receiver.asked_for == [HOST]


def test_a_host_may_be_an_address(receiver: Receiver, authority: Authority) -> None:
    reading = beside(receiver.read_all)
    dial(receiver, authority, "127.0.0.1").close()
    reading.join()

    assert receiver.ended == "closed"


def test_what_the_other_host_does_not_confirm_is_not_sent(
    receiver: Receiver, authority: Authority
) -> None:
    accepting = beside(receiver.accept)
    connection = dial(receiver, authority)
    accepting.join()
    connection._timeout = SHORT

    with pytest.raises(TimeoutError, match="doesn't confirm"):
        connection.send([bytes(1000)] * 30)
    connection.close()


def test_a_receiver_that_closed_is_noticed_before_anything_is_lost(
    receiver: Receiver, authority: Authority
) -> None:
    accepting = beside(lambda: receiver.accept().close())
    connection = dial(receiver, authority)
    accepting.join()

    with pytest.raises(ConnectionResetError, match="the receiver closed"):
        connection.send([b"lost"])
    connection.close()


def test_a_receiver_that_speaks_is_not_listened_to(
    receiver: Receiver, authority: Authority
) -> None:
    def speak_and_read() -> None:
        tls = receiver.accept()
        tls.sendall(b"hello" * 5000)
        receiver.received = tls.recv(100)

    reading = beside(speak_and_read)
    connection = dial(receiver, authority)
    connection.send([b"one"])
    reading.join()
    connection.close()

    assert receiver.received == b"3 one"


def test_nobody_there_is_an_os_error(receiver: Receiver, authority: Authority) -> None:
    receiver.listening.close()

    with pytest.raises(ConnectionRefusedError):
        connect(HOST, 1, address="127.0.0.1", ca=authority.certificate, timeout=SHORT)


def test_one_that_never_greets_is_given_up(receiver: Receiver, authority: Authority) -> None:
    with pytest.raises(TimeoutError):
        dial(receiver, authority, timeout=SHORT)
