"""Syslog and CEF over TLS: the place moves after the write; a lost connection is a failure."""

import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from audit.selectors.outgoing import next_stretch
from audit.siem.formats import Format, encoded
from orgs.models import Organisation
from semafore.kernel import clock
from tests.audit.siem.destinations import log_of_events, places, reload, send, sent_to
from tests.audit.siem.receivers import authority
from tests.cast import inside


@dataclass
class Collector:
    """Keeps every byte that arrives."""

    port: int = 0
    got: bytearray = field(default_factory=bytearray)
    ended: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """One more with each connection that ended."""

    @property
    def messages(self) -> list[bytes]:
        """Of octet-counted frames (RFC 6587, 5425)."""
        found, rest = [], bytes(self.got)
        while rest:
            length, _, rest = rest.partition(b" ")
            found.append(rest[: int(length)])
            rest = rest[int(length) :]
        return found


@pytest.fixture
def collector(tmp_path: Path, inside_allowed: None) -> Iterator[Collector]:
    chain = tmp_path / "chain.pem"
    chain.write_bytes(authority().chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = Collector(port=listener.getsockname()[1])

        def serve() -> None:
            while True:
                try:
                    plain, _ = listener.accept()
                except OSError:
                    return
                try:
                    with context.wrap_socket(plain, server_side=True) as stream:
                        while piece := stream.recv(65536):
                            found.got += piece
                except OSError:
                    plain.close()
                found.ended.release()

        thread = threading.Thread(target=serve)
        thread.start()
        yield found
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("format_", [Format.SYSLOG, Format.CEF])
def test_what_arrives_is_what_the_log_has_in_its_order(
    acme: Organisation, collector: Collector, format_: Format
) -> None:
    log_of_events(acme, 20)
    row = sent_to(acme, f"localhost:{collector.port}", format=format_, secret="")
    with inside(acme):
        stretch = next_stretch(row, most=1000)
    assert stretch is not None
    row = send(acme, row)

    assert collector.ended.acquire(timeout=100)
    assert collector.messages == [encoded(one, format_) for one in stretch.events]
    assert row.cursor == len(places(acme)) == len(collector.messages)


def test_who_does_not_listen_is_tried_again(acme: Organisation, collector: Collector) -> None:
    log_of_events(acme, 2)
    away = sent_to(acme, "localhost:1", format=Format.SYSLOG, secret="", name="Away")
    distrusted = sent_to(
        acme, f"localhost:{collector.port}", format=Format.SYSLOG, secret="", ca=""
    )
    away, distrusted = send(acme, away), send(acme, distrusted)

    assert (away.cursor, away.failures, away.state) == (0, 1, "active")
    assert away.reason == "It refuses the connection"
    assert (distrusted.cursor, distrusted.failures) == (0, 1)
    assert "certificate" in distrusted.reason
    with clock.moved_by(timedelta(hours=1)):
        assert send(acme, away).failures == 2
    assert reload(acme, away).state == "active"
    assert collector.got == b""
