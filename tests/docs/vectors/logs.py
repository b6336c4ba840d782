"""Vectors of the log: keys, a receipt, checkpoints, inclusion, consistency, an approval's proof."""

import base64
from hashlib import sha256

from nacl.signing import SigningKey

from audit import merkle
from audit.commitments import entry_of, leaf_hash, part_commitment
from audit.notes import Signer
from audit.proofs import tlog_proof
from audit.registry import EventClass
from semafore.local.client.wire import encode
from tests.docs.vectors.curve import public_key
from tests.docs.vectors.people import BOB, BOB_DEVICE, Vector, uuid

LOG_ID = "q2WkzX3uT0mHn5v1"
HOST = "log.example.org"
ORIGIN = f"{HOST}/log/{LOG_ID}"
AT = "2026-11-21T09:30:00.123456Z"
BY = "2026-11-21T09:31:00.123456Z"
SIZE, OLD = 11, 5
APPROVAL = 3

CHECKPOINTS = Signer(ORIGIN, SigningKey(sha256(b"semafore vector: checkpoint key").digest()))
RECEIPTS = Signer(f"{HOST}/receipt", SigningKey(sha256(b"semafore vector: receipt key").digest()))

WHAT = (
    f'{{"data":{{"compared":"in_person","device_id":"{BOB_DEVICE}","identity_key":'
    f'"{encode(public_key(BOB))}"}},"id":"{uuid("an event")}","outcome":"success",'
    f'"time":"{AT}","type":"device.approved"}}'
)


def _opening(name: str) -> bytes:
    return sha256(f"semafore vector: opening of {name}".encode()).digest()


C_WHO = part_commitment("who", _opening("who"), b'{"actor":null}')
C_WHAT = part_commitment("what", _opening("what"), WHAT.encode())


def _entries() -> list[bytes]:
    """Of the others nothing but the entry is known here."""
    made = [
        entry_of(EventClass.CLAIMS, _opening(f"who {at}"), _opening(f"what {at}"))
        for at in range(SIZE)
    ]
    made[APPROVAL] = entry_of(EventClass.DEVICE_KEYS, C_WHO, C_WHAT)
    return made


def checkpoint(entries: list[bytes]) -> str:
    root = base64.b64encode(merkle.root(entries)).decode()
    return CHECKPOINTS.sign(ORIGIN, str(len(entries)), root)


def log() -> Vector:
    entries = _entries()
    leaves = [leaf_hash(entry) for entry in entries]
    new, old = checkpoint(entries), checkpoint(entries[:OLD])
    path = merkle.path(entries, APPROVAL)
    ranges = merkle.consistency_ranges(OLD, SIZE)
    consistency = [merkle.fold(leaves[first:last]) for first, last in ranges]
    extra = {
        "class": int(EventClass.DEVICE_KEYS),
        "c_who": C_WHO,
        "what": WHAT,
        "what_opening": _opening("what"),
        "withheld": ["who"],
    }
    proof = tlog_proof(index=APPROVAL, hashes=path, note=new, extra=extra)
    receipt = RECEIPTS.sign("semafore/receipt/v1", ORIGIN, encode(leaves[APPROVAL]), AT, BY)
    return {
        "about": (
            "What a device verifies of its organisation's log (docs/clients/log.md,"
            " docs/evidence.md). Notes and proofs are texts, exactly as they come; leaves, roots"
            " and hashes in base64. `refused` must be found out, each for its reason, by whoever"
            " holds both `vkey` and `receipt_vkey`: a key signs only what its name is for."
        ),
        "vkey": CHECKPOINTS.vkey,
        "receipt_vkey": RECEIPTS.vkey,
        "entries": [entry.hex() for entry in entries],
        "leaves": [encode(leaf) for leaf in leaves],
        "checkpoint": {"note": new, "size": SIZE, "root": encode(merkle.root(entries))},
        "older_checkpoint": {"note": old, "size": OLD, "root": encode(merkle.root(entries[:OLD]))},
        "inclusion": {
            "index": APPROVAL,
            "size": SIZE,
            "leaf": encode(leaves[APPROVAL]),
            "path": [encode(one) for one in path],
        },
        "consistency": {"from": OLD, "to": SIZE, "hashes": [encode(one) for one in consistency]},
        "receipt": {
            "note": receipt,
            "leaf": encode(leaves[APPROVAL]),
            "accepted_at": AT,
            "include_by": BY,
        },
        "enrolment_proof": {
            "proof": proof,
            "device_id": str(BOB_DEVICE),
            "identity_key": encode(public_key(BOB)),
            "index": APPROVAL,
            "leaf": encode(leaves[APPROVAL]),
            "what": WHAT,
            "what_opening": encode(_opening("what")),
            "c_who": encode(C_WHO),
            "c_what": encode(C_WHAT),
            "entry": entries[APPROVAL].hex(),
        },
        "refused": {
            "notes": [
                {
                    "shows": "a checkpoint with another size",
                    "note": new.replace("\n11\n", "\n12\n"),
                },
                {"shows": "signed by the receipt key alone", "note": _by_receipts(entries)},
                {"shows": "no signature", "note": new.partition("\n\n")[0] + "\n\n"},
                {"shows": "a receipt is no checkpoint", "note": receipt},
            ],
            "receipts": [
                {"shows": "an earlier time", "note": receipt.replace("09:30", "09:29")},
                {"shows": "a checkpoint is no receipt", "note": new},
            ],
            "proofs": [
                {"shows": "another index", "proof": proof.replace("\nindex 3\n", "\nindex 2\n")},
                {"shows": "a path too short", "proof": _without_line(proof, 4)},
                {"shows": "under the older checkpoint", "proof": proof.replace(new, old)},
            ],
        },
    }


def _by_receipts(entries: list[bytes]) -> str:
    root = base64.b64encode(merkle.root(entries)).decode()
    return RECEIPTS.sign(ORIGIN, str(len(entries)), root)


def _without_line(text: str, number: int) -> str:
    lines = text.split("\n")
    return "\n".join(lines[: number - 1] + lines[number:])
