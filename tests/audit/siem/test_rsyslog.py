"""What Debian's rsyslog writes down of what goes out over TLS: the same, in the same order."""

import json
import os
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from audit.registry import REGISTRY
from audit.siem.formats import Format, encoded
from audit.siem.outgoing import Outgoing
from audit.siem.texts import MESSAGE_MAX_BYTES
from audit.siem.tls import Connection, connect
from tests.audit.siem.authority import Authority
from tests.audit.siem.made import ACTORS, CONSOLE, NASTY, REFS, outgoing
from tests.audit.siem.parsers import cef, rfc5424, structured
from tests.audit.siem.ports import held_port
from tests.audit.siem.rsyslog import PATIENCE, RSYSLOGD, Rsyslog

HOST = "siem.example"
MODULES = Path("/usr/lib")
DRIVERS = ("gtls", "ossl")
"""GnuTLS and OpenSSL, a package each."""

LONG = NASTY * 60
TEXTS = (NASTY, LONG, "Ticket HR-2041", '"]\\', "\n", "#012 \\n |x=1")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(params=DRIVERS)
def rsyslog(
    request: pytest.FixtureRequest, authority: Authority, tmp_path: Path
) -> Iterator[Rsyslog]:
    """A receiver that listens."""
    driver = request.param
    modules = list(MODULES.glob(f"*/rsyslog/lmnsd_{driver}.so"))
    if not Path(RSYSLOGD).exists() or not modules:
        message = "no rsyslog: install rsyslog, rsyslog-gnutls and rsyslog-openssl"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with held_port() as port:
        server = Rsyslog(tmp_path, authority.issue(HOST), driver, port)
        server.start()
        yield server
        server.stop()


Dial = Callable[[], Connection]


@pytest.fixture
def dial(rsyslog: Rsyslog, authority: Authority) -> Dial:
    """Open a connection to the receiver."""

    def dialled() -> Connection:
        return connect(
            HOST, rsyslog.port, address="127.0.0.1", ca=authority.certificate, timeout=PATIENCE
        )

    return dialled


def events() -> list[Outgoing]:
    """Each type three times, with people, things and texts of all kinds; then growing texts."""
    actors = [*ACTORS.values(), replace(CONSOLE, label=NASTY, user_agent=NASTY), None]
    refs = list(REFS)
    kinds = [
        outgoing(
            name,
            actors[number % len(actors)],
            refs[number % len(refs)],
            TEXTS[number % len(TEXTS)],
            seq=number,
            denied=number % 3,
            event_id=UUID(int=number),
        )
        for number, name in enumerate(sorted(REGISTRY) * 3)
    ]
    growing = [
        outgoing("member.ended", text="é" * length, seq=length, event_id=UUID(int=length))
        for length in range(3000, 4200, 25)
    ]
    return kinds + growing


def batches(messages: Sequence[bytes], size: int) -> list[Sequence[bytes]]:
    return [messages[at : at + size] for at in range(0, len(messages), size)]


def test_structured_data_arrives_as_it_was_sent(rsyslog: Rsyslog, dial: Dial) -> None:
    sent = events()
    messages = [encoded(event, Format.SYSLOG) for event in sent]
    connection = dial()
    for batch in batches(messages, 100):
        connection.send(batch)
    connection.close()

    received = rsyslog.parts(len(sent))

    assert rsyslog.whole(len(sent)) == messages
    assert len(received) == len(sent) > 300
    for event, message, found in zip(sent, messages, received, strict=True):
        ours = rfc5424(message)
        assert int(found["priority"]) == ours.priority
        assert (found["time"], found["host"], found["application"], found["process"]) == (
            ours.time,
            ours.host,
            ours.application,
            ours.process,
        )
        assert found["type"] == event.type
        assert found["text"] == ours.text
        assert structured(found["structured"])[0] == ours.elements
        # rsyslog's own reader of structured data: it folds the names.
        folded = {
            element: {name.lower(): value for name, value in values.items()}
            for element, values in ours.elements.items()
        }
        assert {name.lower(): values for name, values in found["parsed"].items()} == {
            name.lower(): values for name, values in folded.items()
        }
    assert any("cut" in rfc5424(message).elements["semafore@32473"] for message in messages)
    assert MESSAGE_MAX_BYTES - 60 < max(map(len, messages)) <= MESSAGE_MAX_BYTES


def test_cef_arrives_as_it_was_sent(rsyslog: Rsyslog, dial: Dial) -> None:
    sent = events()
    messages = [encoded(event, Format.CEF) for event in sent]
    connection = dial()
    for batch in batches(messages, 100):
        connection.send(batch)
    connection.close()

    received = rsyslog.parts(len(sent))

    assert rsyslog.whole(len(sent)) == messages
    for event, message, found in zip(sent, messages, received, strict=True):
        read = cef(found["text"])
        assert read == cef(rfc5424(message).text)
        assert read.extension["cn1"] == str(event.seq)
        if "cs6" in read.extension:
            data = json.loads(read.extension["cs6"])
            assert data == {
                name: value
                for name, value in event.what["data"].items()
                if name not in {"reason", "request_id"}
            }


def test_a_receiver_that_was_restarted_is_noticed_and_gets_the_rest(
    rsyslog: Rsyslog, dial: Dial
) -> None:
    messages = [encoded(event, Format.SYSLOG) for event in events()[:60]]
    connection = dial()
    connection.send(messages[:30])
    rsyslog.whole(30)
    rsyslog.stop()

    with pytest.raises(OSError, match=r"closed|reset|Broken"):
        connection.send(messages[30:])
    connection.close()
    with pytest.raises(ConnectionRefusedError):
        dial()

    rsyslog.start()
    again = dial()
    again.send(messages[30:])
    again.close()

    assert rsyslog.whole(60) == messages


def test_a_certificate_of_another_name_is_refused(rsyslog: Rsyslog, authority: Authority) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        connect(
            "other.example",
            rsyslog.port,
            address="127.0.0.1",
            ca=authority.certificate,
            timeout=PATIENCE,
        )


@pytest.mark.parametrize("ca", [None, Authority("Another authority").certificate])
def test_a_certificate_of_another_authority_is_refused(rsyslog: Rsyslog, ca: str | None) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        connect(HOST, rsyslog.port, address="127.0.0.1", ca=ca, timeout=PATIENCE)
