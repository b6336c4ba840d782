"""Evidence bundles: how fast `audit/verifier.py` verifies one, on one core."""

import argparse
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import django
from django.conf import settings
from nacl.signing import SigningKey

from bench.report import Bar, middle, show
from semafore.local.servers import ROOT

# The pages in the bundle are templates; nothing else of the application is needed.
settings.configure(
    ROOT=ROOT,
    TEMPLATES=[
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [ROOT / "templates"]}
    ],
)
django.setup()

from audit import verifier  # noqa: E402 - after the settings
from audit.commitments import Committed, commit  # noqa: E402
from audit.notes import Signer  # noqa: E402
from audit.registry import EventClass  # noqa: E402
from audit.services.evidence import Heading, Sources, write_bundle  # noqa: E402

ORIGIN = "log.example.org/log/bench"
SIGNER = Signer(ORIGIN, SigningKey.generate())
AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ROUNDS = 3


def message(seq: int) -> Committed:
    """An event like those that a relay writes most of."""
    who = {
        "actor": {
            "kind": "device",
            "id": uuid4(),
            "label": f"Person {seq % 97}",
            "member": uuid4(),
        },
        "target": None,
        "subject": None,
        "room": {"kind": "room", "id": uuid4(), "label": "Incident room"},
        "recipients_root": secrets.token_bytes(32),
        "address": "192.0.2.7",
        "user_agent": "SemaFore/1.0 (iOS 19.1)",
        "request_id": uuid4(),
    }
    data = {
        "message_id": uuid4(),
        "content_root": secrets.token_bytes(32),
        "envelopes": 50,
        "skipped": 0,
        "total_bytes": 30_000,
        "commitment": secrets.token_bytes(32),
    }
    what = {
        "id": UUID(int=seq),
        "type": "message.accepted",
        "time": AT,
        "outcome": "success",
        "data": data,
    }
    openings = (secrets.token_bytes(32), secrets.token_bytes(32))
    return commit(EventClass.TRANSIT, who, what, openings)


def fields(event: Committed) -> dict[str, Any]:
    """As the exporter writes them."""
    return {
        "v": 1,
        "class": int(EventClass.TRANSIT),
        "who": event.who.decode(),
        "who_opening": event.who_opening,
        "what": event.what.decode(),
        "what_opening": event.what_opening,
    }


def make(path: Path, number: int) -> float:
    """Writes a bundle of so many events; the seconds that the writer took."""
    events = [message(seq) for seq in range(number)]
    entries = [event.entry for event in events]
    buffer = b"".join(entries)
    root = verifier.tree_roots(buffer, number, [number])[number]
    heading = Heading(
        organisation="Bench",
        log_id="bench",
        origin=ORIGIN,
        size=number,
        complete=True,
        made_at=AT,
        made_by="bench.verify",
        selection="All events",
    )

    def lines() -> Iterator[tuple[int, dict[str, Any]]]:
        for seq, event in enumerate(events):
            yield seq, fields(event)

    sources = Sources(
        checkpoint=SIGNER.sign(ORIGIN, str(number), verifier.to_b64(root)),
        earlier_checkpoints=[],
        checkpoint_keys=[SIGNER.vkey],
        receipt_keys=[],
        entries=entries,
        events=lines(),
    )
    begin = time.perf_counter()
    with path.open("wb") as file:
        write_bundle(file, heading=heading, sources=sources)
    return time.perf_counter() - begin


def verified(path: Path) -> float:
    """The processor seconds that one verification took; fails where it finds a fault."""
    begin = time.process_time()
    report = verifier.verify_bundle(path, vkeys=[SIGNER.vkey])
    taken = time.process_time() - begin
    assert not report.failed, report.failed
    return taken


def by_hand() -> float:
    """The milliseconds of a signature check without PyNaCl."""
    text = b"log.example.org/log/bench\n7\nroot\n"
    signature, public = SIGNER.key.sign(text).signature, bytes(SIGNER.key.verify_key)
    begin = time.process_time()
    for _ in range(100):
        assert verifier.ed25519_by_hand(public, text, signature)
    return (time.process_time() - begin) * 10


def main() -> int:
    """Measures and prints; 1 when the bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.verify", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000, help="in the bundle (100000)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bundle.zip"
        written = make(path, given.events)
        size = path.stat().st_size
        taken = middle([verified(path) for _ in range(ROUNDS)])
    figures = {
        "events": given.events,
        "bytes_an_event": size / given.events,
        "events_a_second_written": given.events / written,
        "signature_check_without_PyNaCl_ms": by_hand(),
    }
    bar = Bar("events a second verified", given.events / taken, 30_000, places=0)
    return show("verify", figures, [bar], as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
