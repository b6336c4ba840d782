"""Signed notes (C2SP signed-note): a text, a blank line, and a line for each Ed25519 signature.

They are made here; `audit.verifier` opens them.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from nacl.signing import SigningKey

ED25519 = b"\x01"
"""The signature type of plain Ed25519."""


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


def signing_keys(note: str, vkeys: Sequence[str]) -> list[str]:
    """Those of these keys whose lines stand under a note; the signatures are not checked."""
    lines = note.partition("\n\n")[2].splitlines()
    signed_by = set()
    for line in lines:
        _, name, signature = line.split(" ")
        signed_by.add(f"{name}+{base64.b64decode(signature)[:4].hex()}")
    return [vkey for vkey in vkeys if "+".join(vkey.split("+", 2)[:2]) in signed_by]
