"""Signed notes, by the worked example of audit-log.md, and read by a routine of the test's own."""

import base64
from hashlib import sha256

from nacl.signing import SigningKey, VerifyKey

from audit.notes import Signer

VKEY = "log.example.org/o/acme+6793a1b8+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
SIGNER = Signer("log.example.org/o/acme", SigningKey(bytes(range(32))))


def open_note(note: str, vkey: str) -> list[str]:
    """The lines of a note that the key has signed. Fails where it hasn't."""
    name, key_id, key = vkey.split("+", 2)
    public = base64.b64decode(key)
    assert public[:1] == b"\x01"
    assert key_id == sha256(f"{name}\n".encode() + public).hexdigest()[:8]
    text, _, signatures = note.rpartition("\n\n")
    (line,) = signatures.splitlines()
    dash, signer, signature = line.split(" ")
    assert (dash, signer) == ("\u2014", name)
    blob = base64.b64decode(signature, validate=True)
    assert blob[:4].hex() == key_id
    VerifyKey(public[1:]).verify(f"{text}\n".encode(), blob[4:])
    return text.split("\n")


def test_the_vkey_of_the_worked_example() -> None:
    assert SIGNER.vkey == VKEY


def test_a_note_can_be_opened_with_its_vkey() -> None:
    assert open_note(SIGNER.sign("origin", "7", "root"), VKEY) == ["origin", "7", "root"]
