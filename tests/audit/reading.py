"""A tlog-proof read as audit-log.md says, and checked by a verifier that isn't ours."""

import base64
import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from proofbundle import verify_tlog_proof

from audit.selectors.checkpoints import SignedHead
from audit.services.checkpoints import checkpoint_signers


@dataclass(frozen=True)
class Proof:
    """A proof's lines."""

    index: int
    hashes: list[bytes]
    note: str
    extra: dict[str, Any]


def read(text: str) -> Proof:
    """The lines of a proof that has an `extra`."""
    head, note = text.split("\n\n", 1)
    header, extra, index, *hashes = head.split("\n")
    assert header == "c2sp.org/tlog-proof@v1"
    assert extra.startswith("extra ")
    assert index.startswith("index ")
    opened = json.loads(base64.b64decode(extra.removeprefix("extra "), validate=True))
    places = int(index.removeprefix("index "))
    return Proof(places, [base64.b64decode(one) for one in hashes], note, opened)


def entry_of(extra: dict[str, Any]) -> bytes:
    """The entry that `extra` opens, by the formulas of audit-log.md."""
    if "entry" in extra:
        return base64.b64decode(extra["entry"])
    kind = bytes([extra["class"]])
    commitments = b"".join(commitment_of(extra, name) for name in ("who", "what"))
    return b"\x01" + kind + sha256(b"semafore/event/v1\0" + kind + commitments).digest()


def commitment_of(extra: dict[str, Any], name: str) -> bytes:
    """A part's commitment: as it is given, or of the part that is opened."""
    if name not in extra:
        return base64.b64decode(extra[f"c_{name}"])
    opening = base64.b64decode(extra[f"{name}_opening"])
    prefix = b"semafore/part/v1\0" + name.encode() + b"\0"
    return sha256(prefix + opening + extra[name].encode()).digest()


def vkey_of(signed: SignedHead) -> str:
    """The key that signed a checkpoint."""
    return checkpoint_signers(signed.origin)[0].vkey


def accepted(text: str, signed: SignedHead, entry: bytes | None = None) -> Proof:
    """The proof, once proofbundle has accepted it for the entry that it opens."""
    proof = read(text)
    said = verify_tlog_proof(
        text, entry or entry_of(proof.extra), vkey_of(signed), expected_origin=signed.origin
    )
    assert said["ok"], said
    assert said["tree_size"] == signed.size
    return proof
