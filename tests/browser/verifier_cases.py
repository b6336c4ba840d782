"""Good and bad evidence that both verifiers judge: each case is what one run is given."""

import base64
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from audit import verifier
from audit.notes import Signer
from audit.registry import EventClass
from audit.verifier import Report
from tests.audit.evidence_log import (
    CIPHERTEXTS,
    NEXT_SIGNER,
    ORIGIN,
    RECEIPTS,
    SIGNER,
    WITNESS,
    Log,
    a_log,
    b64,
    consistency,
    rebuilt,
    unpacked,
)
from tests.audit.test_verifier_bundle import swept
from tests.audit.test_verifier_origins import (
    restored,
    restored_over_a_restore,
    restored_twice,
)
from tests.audit.test_verifier_trees import consistency_proof

KEYS = [SIGNER.vkey, RECEIPTS.vkey]
LONG = ("verifier.py", "verify.html", "statement.html")


@dataclass(frozen=True)
class Case:
    """A file, and what the person gives with it."""

    name: str
    evidence: bytes
    keys: list[str] = field(default_factory=lambda: KEYS)
    anchors: list[tuple[str, str]] = field(default_factory=list)
    content: tuple[str, bytes] | None = None
    receipt: str | None = None

    def as_json(self) -> dict[str, Any]:
        """For the browser."""
        return {
            "evidence": base64.b64encode(self.evidence).decode(),
            "keys": self.keys,
            "anchors": self.anchors,
            "content": self.content
            and [self.content[0], base64.b64encode(self.content[1]).decode()],
            "receipt": self.receipt,
        }

    def judged(self, folder: Path) -> dict[str, Any] | None:
        """What audit/verifier.py finds; None where it can't tell what the file is."""
        if not self.evidence.startswith((b"PK", b"{", verifier.PROOF_HEADER.encode())):
            return None
        report = self._report(folder)
        return {
            "checked": report.checked,
            "notChecked": report.not_checked,
            "failed": report.failed,
        }

    def _report(self, folder: Path) -> Report:
        if self.evidence[:2] == b"PK":
            path = folder / "bundle.zip"
            path.write_bytes(self.evidence)
            return verifier.verify_bundle(path, self.anchors, self.keys)
        report = Report()
        with report.noting():
            text = verifier.utf8(self.evidence, "the file")
            if text.startswith("{"):
                return verifier.check_consistency(text, self.keys)
            content = self.content and (self.content[0], sha256(self.content[1]).digest())
            return verifier.check_proof(text, self.keys, self.anchors, content, self.receipt)
        return report


def altered(whole: bytes, chance: random.Random) -> bytes:
    """The same with one byte another, at random."""
    at, flip = chance.randrange(len(whole)), chance.randrange(1, 256)
    return whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :]


def proofs(log: Log) -> Iterator[Case]:
    """Proofs and what may go with them."""
    message = log.proof(6, content=CIPHERTEXTS[2]).encode()
    for seq in range(len(log.events)):
        yield Case(f"proof of {seq}", log.proof(seq, WITNESS).encode())
    alone = log.events[6].entry_alone()
    yield Case("entry alone", log.proof(6, extra=alone).encode())
    yield Case("entry alone, another class", log.proof(6, extra=alone | {"class": 3}).encode())
    yield Case("entry alone, and more", log.proof(6, extra=alone | {"c_who": ""}).encode())
    for entry in (b"\x01\x02" + bytes(32), b"\x02\x02" + bytes(32), b"\x01\x02"):
        extra = alone | {"entry": b64(entry)}
        yield Case(f"entry alone, {entry[:2].hex()}", log.proof(6, extra=extra).encode())
    yield Case("content", message, content=("a.bin", CIPHERTEXTS[2]), receipt=log.receipt(6))
    yield Case("other content", message, content=("a.bin", b"other"), receipt=log.receipt(3))
    yield Case("no content", log.proof(6).encode(), content=("a.bin", b"other"))
    anchors = [("same", log.checkpoint()), ("old", log.checkpoint(3)), ("none", "nothing")]
    yield Case("anchors", message, anchors=anchors)
    yield Case("no key", message, keys=[])
    yield Case("bad key", message, keys=[SIGNER.vkey[:-1]])
    yield Case("mixed keys", log.proof(6, NEXT_SIGNER).encode())
    yield Case("both keys", log.proof(6, NEXT_SIGNER).encode(), keys=[*KEYS, NEXT_SIGNER.vkey])
    globex = Signer("log.example.org/log/globex", SIGNER.key)
    log.signer = globex
    yield Case("another's key", log.proof(6).encode(), keys=[globex.vkey])
    log.signer = SIGNER


def consistencies(log: Log) -> Iterator[Case]:
    """Pairs of checkpoints."""
    for old in range(len(log.events) + 1):
        path = consistency_proof(log.entries, old)
        text = consistency(log.checkpoint(old), log.checkpoint(), path)
        yield Case(f"consistency from {old}", text.encode())
        text = consistency(log.checkpoint(), log.checkpoint(old), path)
        yield Case(f"consistency back to {old}", text.encode())
        text = consistency(log.checkpoint(old), log.checkpoint(), path[:-1])
        yield Case(f"short consistency from {old}", text.encode())


def bundles() -> Iterator[Case]:
    """Bundles of logs in every state."""
    log = a_log()
    kept = [("kept", log.checkpoint(7)), ("all", log.checkpoint()), ("none", "nothing")]
    yield Case("bundle", log.bundle(), keys=[], anchors=kept)
    yield Case("partial", log.bundle(complete=False))
    yield Case("another's bundle", log.bundle(), keys=[WITNESS.vkey])
    log.lineless, log.events[9].gone = {4, 5, 8}, {"who"}
    yield Case("gaps", log.bundle())
    yield Case("partial gaps", log.bundle(complete=False))
    swept(log, (1, "who", 2, 5, 2), (1, "what", 4, 8, 3))
    yield Case("half explained", log.bundle())
    swept(log, (1, "who", 4, 9, 2))
    yield Case("explained", log.bundle())
    swept(log, (1, "who", 4, 900, 2))
    yield Case("explained too early", log.bundle())
    many = Log()
    many.members(600)
    many.lineless = set(range(10, 500, 3))
    yield Case("many gaps", many.bundle())
    rotated = a_log()
    rotated.keys = [SIGNER.vkey, NEXT_SIGNER.vkey]
    rotated.add(EventClass.LOG, "log.key_retired", purpose="checkpoints", vkey=SIGNER.vkey)
    yield Case("retired", rotated.bundle())
    old = a_log()
    after = restored(old, 8, 12)
    after.earlier = [old.checkpoint(size) for size in (5, 8, 10, 12)]
    forked = a_log()
    forked.events.insert(2, forked.events.pop(4))
    anchors = [(f"kept {size}", old.checkpoint(size)) for size in range(13)]
    anchors += [(f"fork {size}", forked.checkpoint(size)) for size in range(13)]
    yield Case("restored", after.bundle(), anchors=anchors)
    yield Case("rewritten", forked.bundle(), anchors=anchors)
    for twice in (restored_twice(old), restored_over_a_restore(old)):
        yield Case("restored twice", twice.bundle(), anchors=anchors)
    after.origin, after.signer = ORIGIN, SIGNER
    yield Case("under the old name", after.bundle())


def damaged() -> Iterator[Case]:
    """One byte another: anywhere, and where the manifest agrees."""
    chance = random.Random(7)  # noqa: S311 - positions of a test
    log = a_log()
    log.events[6].gone = {"who"}
    proof = log.proof(6, NEXT_SIGNER, content=CIPHERTEXTS[1]).encode()
    log.events[5].is_entry_alone = True
    alone = log.proof(5).encode()
    path = consistency_proof(log.entries, 7)
    pair = consistency(log.checkpoint(7), log.checkpoint(), path).encode()
    keys = [*KEYS, NEXT_SIGNER.vkey]
    for number in range(400):
        yield Case(f"altered proof {number}", altered(proof, chance), keys)
        yield Case(f"altered entry {number}", altered(alone, chance))
        yield Case(f"altered pair {number}", altered(pair, chance))
        receipt = altered(log.receipt(6).encode(), chance).decode(errors="replace")
        yield Case(f"altered receipt {number}", proof, keys, receipt=receipt)
    # Without the long files, which are but hashed.
    bundle = rebuilt(a_log().bundle(), dict.fromkeys(LONG, b"-"))
    heads = [bundle.index(b"PK\1\2"), len(bundle)]
    files = unpacked(bundle)
    for number in range(60):
        yield Case(f"altered bundle {number}", altered(bundle, chance))
        end = altered(bundle[heads[0] : heads[1]], chance)
        yield Case(f"altered directory {number}", bundle[: heads[0]] + end)
        for name in ("checkpoint", "checkpoints.jsonl", "keys.json", "entries.bin", "events.jsonl"):
            changed = rebuilt(bundle, {name: altered(files[name], chance)})
            yield Case(f"altered {name} {number}", changed)
