"""Signed notes (C2SP signed-note): a text, a blank line, and a line for each Ed25519 signature."""

import base64
import binascii
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

ED25519 = b"\x01"
"""The signature type of plain Ed25519."""

KEY_ID = 4
"""Bytes of a key id."""


class BadNoteError(ValueError):
    """A note that isn't one, or that none of the keys has signed, or not as it stands."""


@dataclass(frozen=True, slots=True)
class Signer:
    """An Ed25519 key under the name that its signatures bear."""

    name: str
    key: SigningKey

    @property
    def _public(self) -> bytes:
        return ED25519 + bytes(self.key.verify_key)

    @property
    def key_id(self) -> bytes:
        """4 bytes: the beginning of SHA-256(name 0A 01 public key)."""
        return sha256(self.name.encode() + b"\n" + self._public).digest()[:4]

    @property
    def vkey(self) -> str:
        """The public key: `<name>+<key id>+<base64>`."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self._public).decode()}"

    def sign(self, *lines: str) -> str:
        """The note of these lines, signed; a line holds no line break."""
        return sign_note([self], *lines)

    def line(self, text: str) -> str:
        """The signature line under a text."""
        signature = base64.b64encode(self.key_id + self.key.sign(text.encode()).signature)
        return f"\N{EM DASH} {self.name} {signature.decode()}\n"


def sign_note(signers: Sequence[Signer], *lines: str) -> str:
    """The note of these lines, signed by each."""
    text = "".join(f"{line}\n" for line in lines)
    return f"{text}\n" + "".join(signer.line(text) for signer in signers)


def open_note(note: str, vkeys: Collection[str]) -> list[str]:
    """The lines of a note that at least one of these keys has signed.

    Lines of keys that aren't among them say nothing. Raises BadNoteError, also where one of them
    has a signature that doesn't hold.
    """
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise BadNoteError("it has no signatures")
    known = dict(_opened(vkey) for vkey in vkeys)
    signed = False
    for line in signatures[:-1].split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        try:
            blob = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise BadNoteError("a signature isn't base64") from None
        if dash != "\N{EM DASH}":
            raise BadNoteError("a signature line doesn't begin with a dash")
        key = known.get((name, blob[:KEY_ID]))
        if key is not None:
            try:
                key.verify(f"{text}\n".encode(), blob[KEY_ID:])
            except (BadSignatureError, ValueError):
                raise BadNoteError(f"the signature of {name} doesn't hold") from None
            signed = True
    if not signed:
        raise BadNoteError("no known key has signed it")
    return text.split("\n")


def _opened(vkey: str) -> tuple[tuple[str, bytes], VerifyKey]:
    """Name and key id of a public key, and the key."""
    name, key_id, key = vkey.split("+", 2)
    return (name, bytes.fromhex(key_id)), VerifyKey(base64.b64decode(key)[len(ED25519) :])


def signing_keys(note: str, vkeys: Sequence[str]) -> list[str]:
    """Those of these keys whose lines stand under a note; the signatures are not checked."""
    lines = note.partition("\n\n")[2].splitlines()
    signed_by = set()
    for line in lines:
        _, name, signature = line.split(" ")
        signed_by.add(f"{name}+{base64.b64decode(signature)[:4].hex()}")
    return [vkey for vkey in vkeys if "+".join(vkey.split("+", 2)[:2]) in signed_by]
