"""Receipts as their holder checks them: signed notes (audit-log.md; C2SP signed-note)."""

import base64
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

_HEADER: Final = "semafore/receipt/v1"
_ED25519: Final = b"\x01"
_DASH: Final = "\N{EM DASH} "


class ReceiptError(Exception):
    """The receipt is not what the holder of this key signs."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a log promised to hold a message's event by a certain time."""

    origin: str
    leaf: bytes
    accepted_at: str
    include_by: str


def read_receipt(note: str, vkey: str) -> Receipt:
    """The receipt in a note that the key (`<name>+<key id>+<base64>`) has signed.

    Raises ReceiptError.
    """
    try:
        name, key_id, key = vkey.split("+", 2)
        public = base64.b64decode(key, validate=True)
        text, _, signatures = note.partition("\n\n")
        signed = next(
            base64.b64decode(line.removeprefix(f"{_DASH}{name} "), validate=True)
            for line in signatures.splitlines()
            if line.startswith(f"{_DASH}{name} ")
        )
        own_id = sha256(name.encode() + b"\n" + public).digest()[:4]
        if public[:1] != _ED25519 or own_id.hex() != key_id or signed[:4] != own_id:
            raise ReceiptError("the receipt was signed with another key")
        VerifyKey(public[1:]).verify(f"{text}\n".encode(), signed[4:])
        header, origin, leaf, accepted_at, include_by = text.split("\n")
        if header != _HEADER:
            raise ReceiptError(f"the note is no receipt but {header!r}")
        return Receipt(origin, base64.b64decode(leaf, validate=True), accepted_at, include_by)
    except (BadSignatureError, StopIteration, ValueError) as error:
        raise ReceiptError(f"the receipt's signature is not good: {error!r}") from error
