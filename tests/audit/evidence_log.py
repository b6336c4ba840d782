"""A log made from the formats alone, with the proofs and bundles of it."""

import base64
import io
import json
import random
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from nacl.signing import SigningKey

from audit import merkle
from audit.commitments import Committed, canonical, commit, leaf_hash
from audit.exports.archive import FILE_MODE, NO_TIME, FileInfo
from audit.notes import Signer
from audit.registry import EventClass
from audit.services.contents import content_root
from audit.services.evidence import Heading, Sources, write_bundle
from audit.verifier import Report

HOST = "log.example.org"
ORIGIN = f"{HOST}/log/acme"
SIGNER = Signer(ORIGIN, SigningKey(bytes(range(32))))
NEXT_SIGNER = Signer(ORIGIN, SigningKey(bytes(range(1, 33))))
RECEIPTS = Signer(f"{HOST}/receipt", SigningKey(bytes(range(2, 34))))
WITNESS = Signer("witness.example.net", SigningKey(bytes(range(3, 35))))
AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
Check = Callable[..., Report]
CIPHERTEXTS = [f"ciphertext {number}".encode() for number in range(5)]


def b64(value: bytes) -> str:
    """Base64 with padding."""
    return base64.b64encode(value).decode()


@dataclass(slots=True)
class Event:
    """An event and what of it is to be seen."""

    event_class: EventClass
    committed: Committed
    gone: set[str] = field(default_factory=set)
    withheld: set[str] = field(default_factory=set)
    is_entry_alone: bool = False
    """In a proof: its row is gone."""

    def entry_alone(self) -> dict[str, Any]:
        """As in the `extra` of a proof, once nothing else is left of it."""
        entry = b64(self.committed.entry)
        return {"v": 1, "class": int(self.event_class), "entry": entry}

    def fields(self) -> dict[str, Any]:
        """As in a proof's `extra`."""
        found: dict[str, Any] = {"v": 1, "class": int(self.event_class)}
        if self.is_entry_alone:
            return self.entry_alone()
        for name in ("who", "what"):
            if name in self.gone | self.withheld:
                found[f"c_{name}"] = b64(getattr(self.committed, f"c_{name}"))
            else:
                found[name] = getattr(self.committed, name).decode()
                found[f"{name}_opening"] = b64(getattr(self.committed, f"{name}_opening"))
        if self.withheld:
            found["withheld"] = sorted(self.withheld)
        return found


def joined(note: str, *signers: Signer) -> str:
    """The note with the signatures of these too."""
    text = note.partition("\n\n")[0]
    lines = [one.sign(*text.split("\n")).rpartition("\n\n")[2] for one in signers]
    return note + "".join(lines)


class Log:
    """Events in order, and whatever can be made of them."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)  # noqa: S311 - openings of a test
        self.events: list[Event] = []
        self.lineless: set[int] = set()
        self.heading: dict[str, Any] = {}
        self.origin, self.signer = ORIGIN, SIGNER
        self.earlier: list[str] = []
        self.keys = [SIGNER.vkey]
        self.add(EventClass.LOG, "log.key_announced", purpose="checkpoints", vkey=SIGNER.vkey)
        self.add(EventClass.LOG, "log.key_announced", purpose="receipts", vkey=RECEIPTS.vkey)

    def add(self, event_class: EventClass, kind: str, **data: Any) -> int:
        """Append an event; its seq."""
        seq = len(self.events)
        what = {
            "id": UUID(int=seq + 1),
            "type": kind,
            "time": AT,
            "outcome": "success",
            "data": data,
        }
        who = {"actor": {"kind": "member", "id": UUID(int=7), "label": "Alice Ä \U0001f600"}}
        openings = (self.random.randbytes(32), self.random.randbytes(32))
        self.events.append(Event(event_class, commit(event_class, who, what, openings)))
        return seq

    def message(self, ciphertexts: Sequence[bytes] = CIPHERTEXTS) -> int:
        """A message event."""
        hashes = [sha256(one).digest() for one in ciphertexts]
        return self.add(
            EventClass.TRANSIT,
            "message.accepted",
            message_id=UUID(int=99),
            content_root=content_root(hashes),
            envelopes=len(hashes),
            skipped=0,
            total_bytes=sum(map(len, ciphertexts)),
            commitment=None,
        )

    def members(self, number: int) -> None:
        """So many events of administration."""
        for index in range(number):
            self.add(EventClass.ADMINISTRATION, "member.invited", number=index)

    @property
    def entries(self) -> list[bytes]:
        """34 bytes each."""
        return [event.committed.entry for event in self.events]

    def checkpoint(self, size: int | None = None, *also: Signer) -> str:
        """Signed by the log, and by these."""
        entries = self.entries[:size]
        lines = (self.origin, str(len(entries)), b64(merkle.root(entries)))
        return joined(self.signer.sign(*lines), *also)

    def proof(
        self,
        seq: int,
        *also: Signer,
        content: bytes | None = None,
        extra: dict[str, Any] | None = None,
    ) -> str:
        """A tlog-proof of the event, and of one of its ciphertexts; `extra` instead of its own."""
        fields = self.events[seq].fields() if extra is None else extra
        if content is not None:
            fields["content"] = self.content(content)
        lines = [
            "c2sp.org/tlog-proof@v1",
            f"extra {b64(canonical(fields))}",
            f"index {seq}",
            *(b64(step) for step in merkle.path(self.entries, seq)),
        ]
        return "".join(f"{line}\n" for line in lines) + "\n" + self.checkpoint(None, *also)

    @staticmethod
    def content(ciphertext: bytes) -> dict[str, Any]:
        """The path of a ciphertext to its message's root."""
        hashes = sorted(sha256(one).digest() for one in CIPHERTEXTS)
        index = hashes.index(sha256(ciphertext).digest())
        return {
            "sha256": b64(hashes[index]),
            "index": index,
            "count": len(hashes),
            "path": [b64(step) for step in merkle.path(hashes, index)],
        }

    def receipt(self, seq: int) -> str:
        """What the sender of the event holds."""
        times = ("2026-11-21T09:30:00.000000Z", "2026-11-21T09:31:00.000000Z")
        leaf = leaf_hash(self.entries[seq])
        return RECEIPTS.sign("semafore/receipt/v1", self.origin, b64(leaf), *times)

    def bundle(self, **changes: Any) -> bytes:
        """The evidence bundle of the whole log; changes go to its heading."""
        return bundle_of(
            checkpoint=self.checkpoint(),
            earlier=self.earlier,
            checkpoint_keys=self.keys,
            receipt_keys=[RECEIPTS.vkey],
            entries=self.entries,
            events=self.lines(),
            origin=self.origin,
            **changes,
        )

    def lines(self) -> Iterable[tuple[int, dict[str, Any]]]:
        """What events.jsonl is made of."""
        for seq, event in enumerate(self.events):
            if seq not in self.lineless:
                yield seq, event.fields()


def a_log() -> Log:
    """Keys announced, some people, a message, earlier checkpoints, a withheld part."""
    log = Log()
    log.members(4)
    log.earlier.append(log.checkpoint())
    log.message()
    log.members(3)
    log.earlier.append(log.checkpoint())
    log.members(2)
    log.events[3].withheld = {"who"}
    return log


def consistency(old: str, new: str, path: Sequence[bytes]) -> str:
    """The file that connects two checkpoints."""
    return json.dumps(
        {"new": new, "old": old, "proof": [b64(step) for step in path]},
        ensure_ascii=False,
        separators=(",", ":"),
    )


def bundle_of(
    *,
    checkpoint: str,
    earlier: Sequence[str],
    checkpoint_keys: list[str],
    receipt_keys: list[str],
    entries: Sequence[bytes],
    events: Iterable[tuple[int, dict[str, Any]]],
    **changes: Any,
) -> bytes:
    """The evidence bundle of a whole log; changes go to its heading."""
    heading: dict[str, Any] = {
        "organisation": "Acme",
        "log_id": "acme",
        "origin": ORIGIN,
        "size": len(entries),
        "complete": True,
        "made_at": AT,
        "made_by": "Alice",
        "selection": "All events.",
        "reason": "A test",
        **changes,
    }
    sources = Sources(
        checkpoint=checkpoint,
        earlier_checkpoints=earlier,
        checkpoint_keys=checkpoint_keys,
        receipt_keys=receipt_keys,
        entries=entries,
        events=events,
    )
    file = io.BytesIO()
    write_bundle(file, heading=Heading(**heading), sources=sources)
    return file.getvalue()


def rebuilt(bundle: bytes, changes: dict[str, bytes | None], **manifest: Any) -> bytes:
    """A bundle with other files, packed and listed as the exporter does it."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    about = json.loads(files.pop("manifest.json"))
    files.update({name: content for name, content in changes.items() if content is not None})
    for name in [name for name, content in changes.items() if content is None]:
        del files[name]
    about["files"] = [
        {"name": name, "bytes": len(content), "sha256": sha256(content).hexdigest()}
        for name, content in files.items()
    ]
    files["manifest.json"] = canonical({**about, **manifest})
    return packed(files)


def packed(files: dict[str, bytes]) -> bytes:
    """A ZIP as the exporter makes it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            info = FileInfo(name, NO_TIME)
            info.create_system, info.external_attr = 3, FILE_MODE << 16
            with archive.open(info, "w", force_zip64=True) as entry:
                entry.write(content)
    return file.getvalue()


def unpacked(bundle: bytes) -> dict[str, bytes]:
    """The files of a bundle."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
