"""Verifies evidence of a SemaFore audit log, offline and without trust in the server.

    python verifier.py FILE [--key VKEY]... [--anchor CHECKPOINT]... [--content FILE]
                       [--receipt FILE] [--json]
    python verifier.py --tiles FOLDER [--key VKEY]... [--anchor CHECKPOINT]... [--json]

FILE is an evidence bundle (.zip), a proof (.tlog-proof) or a consistency proof (.json); FOLDER is a
copy of the log's tiles. It needs Python 3.9 or newer and nothing else, and uses PyNaCl where that
is installed. It says what was checked, what was not and what failed; it exits with 0 if nothing
failed, 1 if something did, 2 if it could not begin. Formats: docs/evidence.md; C2SP signed-note,
tlog-checkpoint, tlog-proof, tlog-tiles.
"""
# ruff: noqa: PLR2004, T201 - sizes of formats stand where they are read; a command prints

from __future__ import annotations

import argparse
import binascii
import heapq
import json
import mmap
import re
import struct
import sys
import zlib
from functools import lru_cache
from hashlib import sha256, sha512
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

try:
    from nacl.bindings import crypto_sign_open

    WITH_NACL = True
except ImportError:
    WITH_NACL = False

PROOF_HEADER = "c2sp.org/tlog-proof@v1"
RECEIPT_HEADER = "semafore/receipt/v1"
BUNDLE_FORMAT = "semafore/evidence/v1"
ENTRY = 34
HASH = 32
PARTS = ("who", "what")
FILES = (
    "checkpoint",
    "checkpoints.jsonl",
    "keys.json",
    "entries.bin",
    "events.jsonl",
    "verifier.py",
    "verify.html",
    "statement.html",
)
SHOWN_FAILURES = 50
Fields = dict[str, Any]


class VerificationError(Exception):
    """What could not be verified, and why."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}.")
        self.what, self.why = what, why


class Report:
    """One plain sentence for each thing that was checked, was not, or failed."""

    def __init__(self) -> None:
        self.checked: list[str] = []
        self.not_checked: list[str] = []
        self.failed: list[str] = []

    def noting(self) -> _Noting:
        """A VerificationError inside becomes a failure, and the rest goes on."""
        return _Noting(self.failed)


class _Noting:
    def __init__(self, failed: list[str]) -> None:
        self.failed = failed

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if isinstance(error, VerificationError):
            self.failed.append(str(error))
            return True
        return False


# --- Bytes and texts, read strictly: one way to write each value


def need(holds: object, what: str, why: str) -> None:
    """Raises VerificationError where the condition doesn't hold."""
    if not holds:
        raise VerificationError(what, why)


def b64(text: object, what: str, length: int = HASH) -> bytes:
    """Base64 with padding, nothing else, of so many bytes."""
    if isinstance(text, str):
        try:
            value = binascii.a2b_base64(text)
            if len(value) == length and to_b64(value) == text:
                return value
        except ValueError:
            pass
    raise VerificationError(what, f"is not the base64 of {length} bytes")


def to_b64(value: bytes) -> str:
    """Base64 as the formats write it."""
    return binascii.b2a_base64(value, newline=False).decode()


def decimal(text: str, what: str) -> int:
    """ASCII digits without leading zeros, at most 15 of them."""
    need(re.fullmatch("0|[1-9][0-9]{0,14}", text), what, "is not a decimal number")
    return int(text)


def utf8(value: bytes, what: str) -> str:
    """Text in UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise VerificationError(what, "is not UTF-8") from error


def _integer(text: str) -> int:
    value = int(text)
    if -(2**53) < value < 2**53:
        return value
    raise ValueError(text)


def _no_float(text: str) -> None:
    raise ValueError(text)


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_no_float, parse_constant=_no_float)
_PART_DECODER = json.JSONDecoder(parse_constant=_no_float)
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":")
)
_ENCODER_AS_IS = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))


def _by_utf16(value: Any) -> Any:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return {name: _by_utf16(value[name]) for name in names}
    return [_by_utf16(inner) for inner in value] if isinstance(value, list) else value


_BEYOND = re.compile("[\U00010000-\U0010ffff]")
NOT_CANONICAL = "is not canonical JSON (RFC 8785) without fractions"


def read_json(text: str, what: str) -> Fields:
    """A JSON object in its canonical form (RFC 8785), without floats: no name twice, no space."""
    try:
        value, _ = _DECODER.raw_decode(text)
        # Sorting by code points is RFC 8785's order as long as no name goes beyond U+FFFF.
        if text.isascii() or not _BEYOND.search(text):
            canonical = _ENCODER.encode(value) == text
        else:
            canonical = _ENCODER_AS_IS.encode(_by_utf16(value)) == text
    except (ValueError, RecursionError) as error:
        raise VerificationError(what, NOT_CANONICAL) from error
    need(canonical, what, NOT_CANONICAL)
    need(isinstance(value, dict), what, "is not a JSON object")
    return value  # type: ignore[no-any-return]


def names_in(
    fields: object, required: frozenset[str], optional: frozenset[str], what: str
) -> Fields:
    """The object, if it has all of these names and no others."""
    if not isinstance(fields, dict):
        raise VerificationError(what, "is not a JSON object")
    others = fields.keys() - required
    if len(fields) - len(others) == len(required) and others <= optional:
        return fields
    for name in sorted(required - fields.keys()):
        raise VerificationError(what, f"the field {name} is missing")
    raise VerificationError(what, f"the field {min(others - optional)} is unknown")


def typed(fields: Fields, name: str, kind: type, what: str) -> Any:
    """The field, if it is of the type; True is no int here, and no number is below 0."""
    value = fields.get(name)
    if type(value) is kind and (kind is not int or value >= 0):  # type: ignore[operator]
        return value
    raise VerificationError(what, f"the field {name} is not what it should be")


# --- Ed25519 (RFC 8032), slow, for machines without PyNaCl

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT_OF_MINUS_1 = pow(2, (_P - 1) // 4, _P)
Point = tuple[int, int, int, int]
_ZERO: Point = (0, 1, 1, 0)


def _add(one: Point, two: Point) -> Point:
    a = (one[1] - one[0]) * (two[1] - two[0]) % _P
    b = (one[1] + one[0]) * (two[1] + two[0]) % _P
    c = 2 * one[3] * two[3] * _D % _P
    d = 2 * one[2] * two[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _point(encoded: bytes) -> Point | None:
    """The point, or None for an encoding that is none, or not its only one."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= _P:
        return None
    above, below = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = above * below**3 * pow(above * below**7, (_P - 5) // 8, _P) % _P
    if below * x * x % _P != above:
        x = x * _ROOT_OF_MINUS_1 % _P
    if below * x * x % _P != above or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


def _encoded(point: Point) -> bytes:
    inverse = pow(point[2], _P - 2, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _has_small_order(point: Point) -> bool:
    for _ in range(3):
        point = _add(point, point)
    return point[0] == 0 and point[1] == point[2]


_BASE = _point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little"))


def ed25519_by_hand(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether S·B = R + h·A, with canonical S, A and R, neither A nor R of small order."""
    key, scalar = _point(public), int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or key is None or scalar >= _L or _has_small_order(key):
        return False
    digest = sha512(signature[:32] + public + message).digest()
    factor = int.from_bytes(digest, "little") % _L
    minus_key: Point = (_P - key[0], key[1], 1, _P - key[3])
    table = (_ZERO, _BASE, minus_key, _add(_BASE, minus_key))  # type: ignore[arg-type]
    found = _ZERO
    for bit in range(max(scalar.bit_length(), factor.bit_length()) - 1, -1, -1):
        found = _add(found, found)
        which = scalar >> bit & 1 | (factor >> bit & 1) << 1
        if which:
            found = _add(found, table[which])  # type: ignore[arg-type]
    return _encoded(found) == signature[:32] and not _has_small_order(found)


def _ed25519_by_nacl(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        crypto_sign_open(signature + message, public)
    except Exception:  # noqa: BLE001 - whatever PyNaCl raises, the signature is not good
        return False
    return len(signature) == 64


ed25519: Callable[[bytes, bytes, bytes], bool] = _ed25519_by_nacl if WITH_NACL else ed25519_by_hand
"""Whether the public key (32 bytes) made this signature (64) of the message."""


# --- Signed notes, checkpoints, receipts


class Key(NamedTuple):
    """A verifier key: who signs, the 4 bytes that name the key, its 32 bytes, the vkey itself."""

    name: str
    id: bytes
    public: bytes
    vkey: str


class Note(NamedTuple):
    """A note's text, the vkeys that signed it, and names whose signatures nobody could check."""

    text: str
    signed_by: tuple[str, ...]
    unknown: tuple[str, ...]


class Checkpoint(NamedTuple):
    """What a log signs: its origin, how many entries it has, and their root."""

    origin: str
    size: int
    root: bytes


class Receipt(NamedTuple):
    """What a sender holds: by include_by, the leaf stands in the log of that origin."""

    origin: str
    leaf: bytes
    accepted_at: str
    include_by: str


@lru_cache(maxsize=1024)
def parse_vkey(vkey: str) -> Key:
    """`<name>+<key id>+<base64 of 01 and the key>`. Raises VerificationError."""
    what = f"the key {vkey}"
    pieces = vkey.split("+", 2)
    need(len(pieces) == 3 and re.fullmatch(r"[^\s+]+", pieces[0]), what, "is not a vkey")
    name, key_id, public = pieces[0], pieces[1], b64(pieces[2], what, HASH + 1)
    need(public[0] == 1, what, "is not an Ed25519 key")
    right = sha256(name.encode() + b"\n" + public).digest()[:4]
    need(key_id == right.hex(), what, "its key id is not that of this name and key")
    return Key(name, right, public[1:], vkey)


def open_note(note: str, vkeys: Sequence[str], what: str = "the note") -> Note:
    """A note that at least one of the keys signed.

    Raises VerificationError also for a wrong signature beside a right one; only lines of names
    that are none of ours (witnesses) go unchecked, and are named.
    """
    keys = {(key.name, key.id): key for key in map(parse_vkey, vkeys)}
    text, gap, signatures = note.rpartition("\n\n")
    need(gap and signatures[-1:] == "\n", what, "is not a signed note")
    need(not re.search("[\0-\x09\x0b-\x1f]", note), what, "holds a control character")
    text, signed_by, unknown, seen = text + "\n", [], [], set()
    for line in signatures[:-1].split("\n"):
        match = re.fullmatch("\u2014 ([^\\s+]+) ([A-Za-z0-9+/]+=*)", line)
        if not match:
            raise VerificationError(what, f"this is not a signature line: {line}")
        name, encoded = match.groups()
        size = len(encoded) * 3 // 4 - encoded.count("=")
        blob = b64(encoded, f"{what}, the signature of {name}", size)
        key_id = blob[:4]
        need((name, key_id) not in seen, what, f"{name} signed it twice with one key")
        seen.add((name, key_id))
        key = keys.get((name, key_id))
        if key is None:
            ours = any(name == known[0] or key_id == known[1] for known in keys)
            why = f"the signature of {name} is by a key ({key_id.hex()}) that is not known"
            need(not ours, what, why)
            unknown.append(name)
            continue
        good = ed25519(key.public, text.encode(), blob[4:])
        need(good, what, f"the signature of {name} (key {key_id.hex()}) is wrong")
        signed_by.append(key.vkey)
    why = "" if keys else ": no key was given, and it carries none itself"
    need(signed_by, what, f"none of the known keys signed it{why}")
    return Note(text, tuple(signed_by), tuple(unknown))


def parse_checkpoint(text: str, what: str = "the checkpoint") -> Checkpoint:
    """A checkpoint's text: origin, size and base64 root, a line each. Raises VerificationError."""
    lines = text.split("\n")
    need(len(lines) == 4 and lines[0] and not lines[3], what, "does not consist of three lines")
    size = decimal(lines[1], f"{what}, its size")
    return Checkpoint(lines[0], size, b64(lines[2], f"{what}, its root"))


def lineage(origin: str) -> tuple[str, int]:
    """The name of a log, and which of its origins this is: after restores `/2`, `/3` and so on."""
    match = re.fullmatch("(.+/log/[^/]+)/([2-9]|[1-9][0-9]{1,8})", origin)
    return (match[1], int(match[2])) if match else (origin, 1)


def _open_checkpoint(note: str, vkeys: Sequence[str], what: str) -> tuple[Checkpoint, Note]:
    opened = open_note(note, vkeys, what)
    checkpoint = parse_checkpoint(opened.text, what)
    # Else the key of one log, or of receipts, could speak for another.
    own = any(parse_vkey(vkey).name == checkpoint.origin for vkey in opened.signed_by)
    need(own, what, f"no key of {checkpoint.origin} signed it")
    return checkpoint, opened


def open_checkpoint(note: str, vkeys: Sequence[str], what: str = "the checkpoint") -> Checkpoint:
    """A checkpoint signed by a known key that bears the origin's name. Raises VerificationError."""
    return _open_checkpoint(note, vkeys, what)[0]


def open_receipt(note: str, vkeys: Sequence[str], what: str = "the receipt") -> Receipt:
    """A receipt signed by the receipt key of the origin's host. Raises VerificationError."""
    opened = open_note(note, vkeys, what)
    lines = opened.text.split("\n")
    need(len(lines) == 6 and lines[0] == RECEIPT_HEADER, what, "is not a receipt")
    signer = lines[1].split("/")[0] + "/receipt"
    own = any(parse_vkey(vkey).name == signer for vkey in opened.signed_by)
    need(own, what, f"no key of {signer} signed it")
    return Receipt(lines[1], b64(lines[2], f"{what}, its leaf"), lines[3], lines[4])


# --- Trees (RFC 6962)


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(00 entry), 32 bytes."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(01 left right), 32 bytes."""
    return sha256(b"\x01" + left + right).digest()


def _fold(level: list[bytes]) -> bytes:
    while len(level) > 1:
        pairs = [node_hash(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = pairs + level[-1:] if len(level) % 2 else pairs
    return level[0]


def tree_roots(entries: Any, size: int, wanted: Sequence[int]) -> dict[int, bytes]:
    """The roots of the first n entries for each n that is wanted; `entries` is a buffer."""

    def leaves(start: int, stop: int) -> list[bytes]:
        places = range(start * ENTRY, stop * ENTRY, ENTRY)
        return [sha256(b"\x00" + entries[at : at + ENTRY]).digest() for at in places]

    return _roots(leaves, size, wanted)


def _roots(
    leaves_of: Callable[[int, int], list[bytes]], size: int, wanted: Sequence[int]
) -> dict[int, bytes]:
    """The same, of leaves from one place to before another."""
    roots = {0: sha256().digest()}
    # Full subtrees of 256 leaves and upwards, the largest first, with their heights.
    stack: list[tuple[int, bytes]] = []
    ends = sorted(end for end in set(wanted) if 0 < end <= size)
    for start in range(0, size, 256):
        stop = min(start + 256, size)
        leaves = leaves_of(start, stop)
        while ends and ends[0] <= stop:
            end = ends.pop(0)
            root = _fold(leaves[: end - start])
            for _, left in reversed(stack):
                root = node_hash(left, root)
            roots[end] = root
        height, root = 0, _fold(leaves)
        while stack and stack[-1][0] == height:
            height, root = height + 1, node_hash(stack.pop()[1], root)
        stack.append((height, root))
    return roots


def root_from_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], what: str = "the inclusion proof"
) -> bytes:
    """The root to which the path leads (RFC 9162, 2.1.3.2). Raises VerificationError."""
    need(index < size, what, f"there is no entry {index} in a tree of {size}")
    last = size - 1
    for step in path:
        need(last > 0, what, "is longer than the tree is high")
        if index % 2 or index == last:
            leaf = node_hash(step, leaf)
            while not index % 2 and index:
                index, last = index // 2, last // 2
        else:
            leaf = node_hash(leaf, step)
        index, last = index // 2, last // 2
    need(last == 0, what, "is shorter than the tree is high")
    return leaf


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """The leaf stands at `index` in the tree. Raises VerificationError."""
    found = root_from_inclusion(leaf, index, size, path)
    need(found == root, "the inclusion proof", "does not lead to the root of the checkpoint")


def verify_consistency(
    old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """The old tree begins the new one (RFC 9162, 2.1.4.2). Raises VerificationError."""
    what = "the consistency proof"
    need(old_size <= new_size, what, "the older checkpoint is the larger one")
    if old_size in {0, new_size}:
        need(not proof, what, "is longer than it must be")
        expected = new_root if old_size else sha256().digest()
        need(old_root == expected, what, "two checkpoints of one size have different roots")
        return
    node, last = old_size - 1, new_size - 1
    while node % 2:
        node, last = node // 2, last // 2
    steps = list(proof) if node else [old_root, *proof]
    need(steps, what, "is empty")
    old, new = steps[0], steps[0]
    for step in steps[1:]:
        need(last > 0, what, "is longer than the tree is high")
        if node % 2 or node == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not node % 2 and node:
                node, last = node // 2, last // 2
        else:
            new = node_hash(new, step)
        node, last = node // 2, last // 2
    need(last == 0, what, "is shorter than the tree is high")
    need(old == old_root, what, "does not lead to the root of the older checkpoint")
    need(new == new_root, what, "does not lead to the root of the newer checkpoint")


# --- Events


class Opened(NamedTuple):
    """What an event's fields open: None for a part of which only the commitment is there."""

    entry: bytes
    event_class: int
    who: Fields | None
    what: Fields | None
    withheld: tuple[str, ...] = ()
    content: bytes | None = None
    gone: bool = False


REQUIRED = frozenset(("v", "class"))
OPTIONAL = frozenset(
    ("who", "who_opening", "c_who", "what", "what_opening", "c_what", "withheld", "content", "seq")
)
NONE: frozenset[str] = frozenset()
CONTENT = frozenset(("sha256", "index", "count", "path"))
WHAT_FIELDS = frozenset(("id", "type", "time", "outcome", "data"))
ATTEMPTS = frozenset(("attempts",))
PREFIXES = {name: f"semafore/part/v1\0{name}\0".encode() for name in PARTS}


def open_parts(fields: Fields, where: str = "the event") -> Opened:
    """The entry that an event's fields commit to, and what they say. Raises VerificationError."""
    names_in(fields, REQUIRED, OPTIONAL, where)
    need(typed(fields, "v", int, where) == 1, where, "its version is not 1")
    event_class = typed(fields, "class", int, where)
    need(0 < event_class < 256, where, "its class is not a byte")
    c_who, who = _open_part(fields, "who", where)
    c_what, what = _open_part(fields, "what", where)
    if what is not None:
        inside = f"{where}, what"
        names_in(what, WHAT_FIELDS, ATTEMPTS, inside)
        for name in ("id", "type", "time", "outcome"):
            typed(what, name, str, inside)
        typed(what, "data", dict, inside)
    withheld = _withheld(fields, where) if "withheld" in fields else ()
    kind = bytes([event_class])
    digest = sha256(b"semafore/event/v1\0" + kind + c_who + c_what).digest()
    content = _content(fields["content"], what, where) if "content" in fields else None
    return Opened(b"\x01" + kind + digest, event_class, who, what, withheld, content)


def _open_entry(fields: Fields, where: str) -> Opened:
    """An event of which nothing is left but its entry."""
    names_in(fields, REQUIRED | {"entry"}, NONE, where)
    need(typed(fields, "v", int, where) == 1, where, "its version is not 1")
    entry, event_class = b64(fields["entry"], f"{where}, entry", ENTRY), fields["class"]
    need(entry[0] == 1, f"{where}, entry", "is of another version")
    need(entry[1] == typed(fields, "class", int, where), where, "its class is not the entry's")
    return Opened(entry, event_class, None, None, gone=True)


def _open_part(fields: Fields, name: str, where: str) -> tuple[bytes, Fields | None]:
    """A part's commitment, and what it says where it is open."""
    opening, commitment = f"{name}_opening", f"c_{name}"
    if name not in fields:
        need(opening not in fields, where, f"opens {name}, which is not there")
        return b64(fields.get(commitment), f"{where}, {commitment}"), None
    text = typed(fields, name, str, where)
    need(commitment not in fields, where, f"holds both {name} and {commitment}")
    data = PREFIXES[name] + b64(fields.get(opening), f"{where}, {opening}") + text.encode()
    # The hash fixes its bytes, so that its form needs no check.
    try:
        part = _PART_DECODER.decode(text)
    except (ValueError, RecursionError):
        part = None
    if not isinstance(part, dict):
        raise VerificationError(f"{where}, {name}", "is not a JSON object")
    return sha256(data).digest(), part


def _withheld(fields: Fields, where: str) -> tuple[str, ...]:
    names = tuple(typed(fields, "withheld", list, where))
    known = names in {(), ("who",), ("what",), ("who", "what"), ("what", "who")}
    need(known and not any(name in fields for name in names), where, "withholds no such part")
    return names


def _content(content: object, what: Fields | None, where: str) -> bytes:
    """The SHA-256 of a ciphertext that the message's content root commits to."""
    where += ", content"
    fields = names_in(content, CONTENT, NONE, where)
    if what is None:
        raise VerificationError(where, "can't be proved while the event's what is not open")
    data = what["data"]
    root = b64(data.get("content_root"), f"{where}, the event's content_root")
    count = typed(fields, "count", int, where)
    need(data.get("envelopes") == count, where, "counts other than the event")
    path = [b64(step, f"{where}, path") for step in typed(fields, "path", list, where)]
    digest = b64(fields["sha256"], f"{where}, sha256")
    index = typed(fields, "index", int, where)
    found = root_from_inclusion(leaf_hash(digest), index, count, path, where)
    need(found == root, where, "this ciphertext is not one of the message's")
    return digest


def verify_parts(fields: Fields, entry: bytes, where: str = "the event") -> Opened:
    """What the fields say, if it is what the entry commits to. Raises VerificationError."""
    opened = open_parts(fields, where)
    if opened.entry != entry:
        same = opened.event_class == entry[1]
        why = "its parts are not those that were recorded" if same else "its class is another"
        raise VerificationError(where, f"does not match its entry in the log: {why}")
    return opened


# --- Proofs

TRUTH = (
    "That what the server recorded is true, and its clock right: a log shows only what was"
    " recorded, in which order, and that it was not changed since."
)


class Proved(NamedTuple):
    """An event that stands in a log: where, what is open of it, and the findings in sentences."""

    index: int  # type: ignore[assignment] # hides tuple.index, which nobody needs
    checkpoint: Checkpoint
    event_class: int
    who: Fields | None
    what: Fields | None
    content: bytes | None
    leaf: bytes
    findings: Report


def verify_proof(text: str, vkeys: Sequence[str]) -> Proved:
    """An event's tlog-proof, with the event in its `extra` line. Raises VerificationError."""
    what = "the proof"
    head, gap, note = text.partition("\n\n")
    lines = head.split("\n")
    need(gap and lines[0] == PROOF_HEADER, what, f"does not begin with {PROOF_HEADER}")
    need(len(lines) > 2 and lines[1][:6] == "extra ", f"{what}, line 2", "holds no event")
    need(lines[2][:6] == "index ", f"{what}, line 3", "holds no index")
    size = len(lines[1][6:]) * 3 // 4 - lines[1].count("=")
    extra = utf8(b64(lines[1][6:], f"{what}, extra", size), f"{what}, extra")
    index = decimal(lines[2][6:], f"{what}, index")
    path = [b64(line, f"{what}, line {at}") for at, line in enumerate(lines[3:], 4)]
    fields = read_json(extra, f"{what}, extra")
    need("seq" not in fields, f"{what}, extra", "the field seq is unknown")
    opened = _open_entry(fields, what) if "entry" in fields else open_parts(fields, what)
    checkpoint, signed = _open_checkpoint(note, vkeys, "the checkpoint")
    leaf = leaf_hash(opened.entry)
    verify_inclusion(leaf, index, checkpoint.size, path, checkpoint.root)
    report = Report()
    _say_signed(report, checkpoint, signed)
    report.checked.append(
        f"Entry {index} stands in the log {checkpoint.origin}: the proof leads from it to the root"
        f" of the first {checkpoint.size} entries."
    )
    _say_parts(report, opened)
    report.not_checked.append(TRUTH)
    return Proved(index, checkpoint, *opened[1:4], opened.content, leaf, report)


def _say_signed(report: Report, checkpoint: Checkpoint, note: Note) -> None:
    for vkey in note.signed_by:
        report.checked.append(f"The checkpoint of size {checkpoint.size} is signed by {vkey}.")
    for name in note.unknown:
        report.not_checked.append(f"The signature of {name}: its key is not known here.")


def _say_parts(report: Report, opened: Opened) -> None:
    if opened.what is not None:
        what = opened.what
        report.checked.append(
            f"What happened is what the entry commits to: {what['type']}, {what['outcome']},"
            f" {what['time']}, event {what['id']}."
        )
    if opened.who is not None:
        report.checked.append("Who was involved is what the entry commits to.")
    if opened.gone:
        report.not_checked.append(
            f"The event itself: only its entry is left, which proves that an event of class"
            f" {opened.event_class} was recorded in this place, and not what happened or who was"
            " involved. That retention deleted it is in the log's retention records, not in this"
            " proof."
        )
        return
    for name, subject in (("who", "Who was involved"), ("what", "What happened")):
        if name in opened.withheld:
            report.not_checked.append(f"{subject}: withheld; only the commitment is here.")
        elif (opened.who if name == "who" else opened.what) is None:
            report.not_checked.append(
                f"{subject}: no longer kept; only the commitment is here. That retention deleted"
                " it is in the log's retention records, not in this proof."
            )
    if opened.content is not None:
        report.checked.append(
            f"The ciphertext with the SHA-256 {opened.content.hex()} is one of the message's."
        )


def check_proof(
    text: str,
    vkeys: Sequence[str],
    anchors: Sequence[tuple[str, str]] = (),
    content: tuple[str, bytes] | None = None,
    receipt: str | None = None,
) -> Report:
    """The findings on a proof; anchors are (name, note), content is (name, SHA-256)."""
    report = Report()
    with report.noting():
        proved = verify_proof(text, vkeys)
        report = proved.findings
    if not report.failed:
        if content is not None:
            with report.noting():
                _check_content(report, proved.content, *content)
        if receipt is not None:
            with report.noting():
                _check_receipt(report, proved, open_receipt(receipt, vkeys))
        for name, note in anchors:
            with report.noting():
                _check_equal(report, proved.checkpoint, open_checkpoint(note, vkeys, name), name)
    return report


def _check_content(report: Report, proved: bytes | None, name: str, digest: bytes) -> None:
    if proved is None:
        raise VerificationError(name, "the proof is of a message, not of one ciphertext")
    need(proved == digest, name, f"is another ciphertext: its SHA-256 is {digest.hex()}")
    report.checked.append(f"{name} is that ciphertext.")


def _check_receipt(report: Report, proved: Proved, receipt: Receipt) -> None:
    same_log = receipt.origin == proved.checkpoint.origin
    need(same_log, "the receipt", f"is for another log: {receipt.origin}")
    need(receipt.leaf == proved.leaf, "the receipt", "is for another event")
    report.checked.append(
        f"The receipt is signed and is for this event: accepted {receipt.accepted_at}, to be in the"
        f" log by {receipt.include_by}."
    )


def _check_equal(report: Report, ours: Checkpoint, anchor: Checkpoint, name: str) -> None:
    need(anchor.origin == ours.origin, name, f"is of another log: {anchor.origin}")
    if anchor.size != ours.size:
        report.not_checked.append(
            f"{name}: of size {anchor.size}, the proof's checkpoint of size {ours.size}; a"
            " consistency proof or an evidence bundle connects them."
        )
        return
    need(anchor.root == ours.root, name, f"has another root at size {ours.size}: the log forked")
    report.checked.append(f"{name} is the same tree.")


def check_consistency(text: str, vkeys: Sequence[str]) -> Report:
    """The findings on `{"new": note, "old": note, "proof": [base64, …]}`."""
    report, what = Report(), "the consistency proof"
    with report.noting():
        fields = names_in(read_json(text, what), frozenset(("new", "old", "proof")), NONE, what)
        pair = []
        for name in ("old", "new"):
            where = f"the {name} checkpoint"
            note = typed(fields, name, str, what)
            checkpoint, signed = _open_checkpoint(note, vkeys, where)
            pair.append(checkpoint)
            _say_signed(report, checkpoint, signed)
        old, new = pair
        need(old.origin == new.origin, what, "the checkpoints are of two logs")
        proof = [b64(step, what) for step in typed(fields, "proof", list, what)]
        verify_consistency(old.size, new.size, proof, old.root, new.root)
        report.checked.append(
            f"In the log {new.origin} the first {old.size} entries are the same at size {new.size}:"
            " nothing was changed or taken out."
        )
    return report


# --- Evidence bundles


def _local_header(name: bytes, crc: int, size: int) -> bytes:
    fixed = (b"PK\3\4", 45, 0, 0, 0, 0, 33, crc, 0xFFFFFFFF, 0xFFFFFFFF, len(name), 20)
    return struct.pack("<4s2B4HL2L2H", *fixed) + name + struct.pack("<HHQQ", 1, 16, size, size)


def _central_header(name: bytes, crc: int, size: int, offset: int) -> bytes:
    large = [size, size] if size >= 2**31 else []
    large += [offset] if offset >= 2**31 else []
    extra = struct.pack(f"<HH{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    short = 0xFFFFFFFF if size >= 2**31 else size
    where = 0xFFFFFFFF if offset >= 2**31 else offset
    fixed = (b"PK\1\2", 45, 3, 45, 0, 0, 0, 0, 33, crc, short, short, len(name), len(extra))
    head = struct.pack("<4s4B4HL2L5H2L", *fixed, 0, 0, 0, 0o644 << 16, where)
    return head + name + extra


def _end(count: int, size: int, offset: int) -> bytes:
    large = b""
    if offset >= 2**31:
        record = (b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
        large = struct.pack("<4sQ2H2L4Q", *record)
        large += struct.pack("<4sLQL", b"PK\6\7", 0, offset + size, 1)
    fixed = (b"PK\5\6", 0, 0, count, count, size, min(offset, 0xFFFFFFFF), 0)
    return large + struct.pack("<4s4H2LH", *fixed)


NO_DIRECTORY = "its directory is not where it should be: something was put in or taken out"


def _read_archive(data: Any) -> dict[str, memoryview]:
    """The files of a ZIP as the exporter writes it: stored, one after the other, nothing between.

    All headers are made anew from names, sizes and sums, so that no byte of the ZIP is free.
    """
    zip_file, view = "the ZIP file", memoryview(data)
    whole = len(data) >= 22 and data[-22:-18] == b"PK\5\6"
    need(whole, zip_file, "does not end as one: it is cut off, or something was added")
    count, length, start = struct.unpack("<10xH2L2x", data[-22:])
    if start >= 2**31 and len(data) >= 98:
        count, length, start = struct.unpack("<32x3Q20x22x", data[-98:])
    files: dict[str, memoryview] = {}
    at, position = start, 0
    central: list[bytes] = []
    while len(central) < count:
        try:
            crc, short, name_length, extra = struct.unpack_from("<16xL4xL2H", data, at)
            (where,) = struct.unpack_from("<42xL", data, at)
            size = struct.unpack_from("<Q", data, at + 50 + name_length)[0] if extra > 16 else short
        except struct.error as error:
            raise VerificationError(zip_file, NO_DIRECTORY) from error
        need(bytes(view[at : at + 4]) == b"PK\1\2", zip_file, NO_DIRECTORY)
        name = bytes(view[at + 46 : at + 46 + name_length])
        need(re.fullmatch(b"[a-z0-9][a-z0-9._-]*", name), zip_file, "holds a bad name")
        file = f"the ZIP file, {name.decode()}"
        need(name.decode() not in files, file, "is there twice")
        header = _local_header(name, crc, size)
        begin = position + len(header)
        need(bytes(view[position:begin]) == header, file, "its header is not the exporter's")
        central.append(_central_header(name, crc, size, position))
        near = where in {position, 0xFFFFFFFF}
        need(near and begin + size <= start, file, "does not lie where it should")
        files[name.decode()] = view[begin : begin + size]
        need(zlib.crc32(files[name.decode()]) == crc, file, "was changed (CRC-32)")
        at, position = at + len(central[-1]), begin + size
    directory = b"".join(central)
    end = directory + _end(count, len(directory), position)
    same = position == start and length == len(directory) and bytes(view[position:]) == end
    need(same, zip_file, "its directory is not the exporter's")
    return files


class _Manifest(NamedTuple):
    origin: str
    size: int
    events: int
    complete: bool


MANIFEST = frozenset(
    ("complete", "events", "files", "format", "made_at", "organisation", "origin", "size")
)
STATED = frozenset(("case_reference", "reason"))


def _read_manifest(report: Report, files: dict[str, memoryview]) -> _Manifest:
    what = "manifest.json"
    need(list(files)[-1:] == [what], what, "is not the last file of the bundle")
    fields = read_json(utf8(bytes(files[what]), what), what)
    names_in(fields, MANIFEST, STATED, what)
    need(fields["format"] == BUNDLE_FORMAT, what, f"the format is not {BUNDLE_FORMAT}")
    for name in ("made_at", "origin", *(STATED & fields.keys())):
        typed(fields, name, str, what)
    organisation = names_in(fields["organisation"], frozenset(("log_id", "name")), NONE, what)
    for name in organisation:
        typed(organisation, name, str, what)
    sizes = [typed(fields, name, int, what) for name in ("size", "events")]
    listed: list[str] = []
    for one in typed(fields, "files", list, what):
        names_in(one, frozenset(("bytes", "name", "sha256")), NONE, f"{what}, files")
        name = typed(one, "name", str, f"{what}, files")
        with report.noting():
            need(name in files, name, "the manifest lists it and it is missing")
            need(name not in listed, name, "the manifest lists it twice")
            same = one["bytes"] == len(files[name]) and type(one["bytes"]) is int
            need(same, name, "has not the length that the manifest says")
            same = one["sha256"] == sha256(files[name]).hexdigest()
            need(same, name, "has not the SHA-256 that the manifest says")
        listed.append(name)
    for name in list(files)[:-1]:
        with report.noting():
            need(name in listed, name, "the manifest does not list it")
    for name in FILES:
        need(name in files, name, "is missing")
    with report.noting():
        need(listed == list(files)[:-1], what, "lists the files in another order")
    if not report.failed:
        report.checked.append(f"All {len(listed)} files are those that the manifest lists.")
    others = [name for name in listed if name not in FILES]
    if others:
        report.not_checked.append(f"What these files say: {', '.join(others)}.")
    report.not_checked.append(
        "What the manifest says of itself (when and for whom it was made, and why), and"
        " statement.html: words of whoever made the bundle."
    )
    complete = typed(fields, "complete", bool, what)
    return _Manifest(fields["origin"], sizes[0], sizes[1], complete)


class _Log:
    """What the opened events say of the log itself, and what is missing of the others."""

    def __init__(self, entries: memoryview) -> None:
        self.entries, self.next = entries, 0
        self.opened, self.withheld = {"who": 0, "what": 0}, {"who": 0, "what": 0}
        # For each origin that ended and whose end the log still tells, where and the event's data.
        self.ended: list[tuple[int, Fields]] = []
        self.begun: str | None = None
        self.announced: dict[tuple[str, str], int] = {}
        self.retired: dict[str, int] = {}
        # By class and part: (first, last, count) of each record, and what is missing.
        self.swept: dict[tuple[int, str], list[list[int]]] = {}
        self.missing: dict[tuple[int, str], list[int]] = {}

    def take(self, line: bytes, where: str) -> None:
        """The next line of events.jsonl. Raises VerificationError."""
        fields = read_json(utf8(line, where), where)
        seq = typed(fields, "seq", int, where)
        where = f"{where} (seq {seq})"
        need(seq < len(self.entries) // ENTRY, where, "the log has no such entry")
        need(seq >= self.next, where, "is not in the order of the log")
        self.skip_to(seq)
        self.next = seq + 1
        entry = bytes(self.entries[seq * ENTRY : self.next * ENTRY])
        opened = verify_parts(fields, entry, where)
        for name, part in (("who", opened.who), ("what", opened.what)):
            if part is not None:
                self.opened[name] += 1
            elif name in opened.withheld:
                self.withheld[name] += 1
            else:
                self.missing.setdefault((opened.event_class, name), []).append(seq)
        if opened.what is not None and opened.event_class in {4, 5}:
            self._note(seq, opened.event_class, opened.what, where)

    def ended_since(self, origin: str) -> list[tuple[int, Fields]]:
        """The ends of this origin and of those after it."""
        log, number = lineage(origin)
        ends = [(lineage(one[1]["previous_origin"]), one) for one in self.ended]
        return [one for of, one in ends if of[0] == log and of[1] >= number]

    def skip_to(self, seq: int) -> None:
        """Of the entries before this one that have no line, both parts are missing."""
        for absent in range(self.next, seq):
            for name in PARTS:
                place = (self.entries[absent * ENTRY + 1], name)
                self.missing.setdefault(place, []).append(absent)

    def _note(self, seq: int, event_class: int, what: Fields, where: str) -> None:
        """Take in an event of class 4 or 5."""
        kind, data = what["type"], what["data"]
        if (event_class, kind) == (5, "log.key_announced"):
            purpose, vkey = (typed(data, name, str, where) for name in ("purpose", "vkey"))
            self.announced[purpose, vkey] = seq
        elif (event_class, kind) == (5, "log.key_retired"):
            self.retired[typed(data, "vkey", str, where)] = seq
        elif (event_class, kind) == (5, "log.origin_started"):
            origin, previous = (
                typed(data, name, str, where) for name in ("origin", "previous_origin")
            )
            for name in ("lost_from", "lost_to", "previous_size"):
                typed(data, name, int, where)
            b64(data.get("previous_root"), f"{where}, previous_root")
            typed(data, "reason", str, where)
            # Between what it went by and the previous origin others may have begun and been lost.
            names = [lineage(name) for name in (self.begun or previous, previous, origin)]
            follows = len({log for log, _ in names}) == 1 and data["lost_from"] <= seq
            follows = follows and names[0][1] <= names[1][1] < names[2][1]
            need(follows, where, "does not follow from what the log said before")
            self.ended.append((seq, data))
            self.begun = origin
        elif (event_class, kind) == (4, "retention.swept"):
            for one in typed(data, "swept", list, where):
                need(isinstance(one, dict), where, "its records can't be read")
                numbers = [typed(one, name, int, where) for name in ("first", "last", "count")]
                need(numbers[1] < seq, where, "records what was not there yet")
                place = (typed(one, "class", int, where), typed(one, "part", str, where))
                self.swept.setdefault(place, []).append(numbers)


def _lines(view: memoryview) -> Iterator[bytes]:
    """The lines of a file that ends with a line break; a last line without one comes as it is."""
    rest = b""
    for start in range(0, len(view), 2**20):
        *whole, rest = (rest + bytes(view[start : start + 2**20])).split(b"\n")
        yield from whole
    if rest:
        yield rest + b"\n"


def _verify_events(
    report: Report, files: dict[str, memoryview], manifest: _Manifest, log: _Log
) -> None:
    count = 0
    for line in _lines(files["events.jsonl"]):
        count += 1
        try:
            log.take(line, f"events.jsonl, line {count}")
        except VerificationError as error:
            report.failed.append(str(error))
    log.skip_to(manifest.size)
    with report.noting():
        why = f"holds {count} lines, and the manifest counts {manifest.events} events"
        need(count == manifest.events, "events.jsonl", why)
    report.checked.append(
        f"Events in the bundle: {count} of {manifest.size} entries. What they open is what their"
        f" entries commit to: who of {log.opened['who']}, what of {log.opened['what']}."
    )
    if any(log.withheld.values()):
        report.not_checked.append(
            f"Parts withheld by whoever made the bundle: who of {log.withheld['who']}, what of"
            f" {log.withheld['what']}."
        )


def _judge_retention(report: Report, manifest: _Manifest, log: _Log) -> None:
    """Each missing part must fall to a record with room for it: the earliest-ending one first."""
    absent = sum(len(seqs) for seqs in log.missing.values())
    if not manifest.complete:
        if absent:
            report.not_checked.append(
                f"Parts that are neither opened nor withheld: {absent}. This is not a full export,"
                " so it does not show whether retention deleted them."
            )
        return
    for (event_class, name), seqs in sorted(log.missing.items()):
        records = sorted(log.swept.get((event_class, name), []), reverse=True)
        open_now: list[list[int]] = []
        uncovered = []
        for seq in seqs:
            while records and records[-1][0] <= seq:
                _, last, count = records.pop()
                heapq.heappush(open_now, [last, count])
            while open_now and (open_now[0][0] < seq or not open_now[0][1]):
                heapq.heappop(open_now)
            if open_now:
                open_now[0][1] -= 1
            else:
                uncovered.append(seq)
        if uncovered:
            which = _ranges(uncovered)
            report.failed.append(
                f"Entries {which} (class {event_class}): {name} is missing and no retention record"
                " covers it: a gap that nothing in the log explains."
            )
    if absent and not report.failed:
        report.checked.append(
            f"Parts that are missing: {absent}. Retention records in the log cover each."
        )


def _ranges(numbers: Sequence[int]) -> str:
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    shown = [str(first) if first == last else f"{first} to {last}" for first, last in spans[:10]]
    return ", ".join(shown + (["and more"] if len(spans) > 10 else []))


class _Signed(NamedTuple):
    """A checkpoint that came with a bundle, or from the person who checks it."""

    where: str
    checkpoint: Checkpoint
    note: Note


class _Judge:
    """Holds checkpoints against the tree that the entries make, and against the log's own words."""

    def __init__(self, roots: dict[int, bytes], manifest: _Manifest, log: _Log) -> None:
        self.roots, self.manifest, self.log = roots, manifest, log

    def judge(self, signed: _Signed) -> str | None:
        """Why it can't be checked, or None if it holds. Raises VerificationError."""
        where, (origin, size, root), note = signed
        if origin != self.manifest.origin:
            ends = self.log.ended_since(origin)
            need(ends, where, f"is of another log: {origin}")
            if any(size > data["lost_from"] for _, data in ends):
                return self._lost(signed, ends)
        elif size > self.manifest.size:
            return (
                f"{where}: of size {size}, and the bundle ends at {self.manifest.size}; a later"
                " bundle or a consistency proof connects them."
            )
        why = f"the log had another root at size {size}: it was rewritten, or it forked"
        need(self.roots[size] == root, where, why)
        retired = [self.log.retired.get(vkey, size) < size for vkey in note.signed_by]
        need(not all(retired), where, "only keys that the log had retired by then signed it")
        return None

    @staticmethod
    def _lost(signed: _Signed, ends: Sequence[tuple[int, Fields]]) -> str:
        """What a restore lost: that of its own origin, or a later one that lost more."""
        where, (origin, size, root), _ = signed
        seq, data = ends[0]
        begin = f"{where}: of size {size} under the former name {origin}."
        if data["previous_origin"] == origin:
            last, previous = data["lost_to"], data["previous_size"]
            why = f"is larger than its log was at its end ({last})"
            need(size <= max(last, previous), where, why)
            known = b64(data["previous_root"], where)
            why = f"is not the one that entry {seq} names"
            need(size != previous or root == known, where, why)
            if size > data["lost_from"]:
                return (
                    f"{begin} Its entries {data['lost_from']} to {last - 1} are lost, as entry"
                    f" {seq} says (reason: {data['reason']}), so it can't be shown that this"
                    " checkpoint agrees with the log."
                )
        seq, data = next(one for one in ends if size > one[1]["lost_from"])
        return (
            f"{begin} Of what followed it, under the name {data['previous_origin']}, the entries"
            f" from {data['lost_from']} on are lost, as entry {seq} says (reason:"
            f" {data['reason']}), so it can't be shown that this checkpoint agrees with the log."
        )


PURPOSES = ("checkpoints", "receipts")


def _read_keys(files: dict[str, memoryview]) -> tuple[list[str], list[str]]:
    what = "keys.json"
    fields = names_in(
        read_json(utf8(bytes(files[what]), what), what), frozenset(PURPOSES), NONE, what
    )
    lists = [typed(fields, purpose, list, what) for purpose in PURPOSES]
    for vkey in lists[0] + lists[1]:
        need(isinstance(vkey, str), what, "a key is not a text")
        parse_vkey(vkey)
    return lists[0], lists[1]


def _read_checkpoints(
    report: Report, files: dict[str, memoryview], vkeys: Sequence[str]
) -> list[_Signed]:
    """The earlier checkpoints, which grow within each origin."""
    found: list[_Signed] = []
    for number, line in enumerate(_lines(files["checkpoints.jsonl"]), 1):
        where = f"checkpoints.jsonl, line {number}"
        with report.noting():
            fields = names_in(
                read_json(utf8(line, where), where), frozenset(("note",)), NONE, where
            )
            note = typed(fields, "note", str, where)
            one = _Signed(where, *_open_checkpoint(note, vkeys, where))
            before = found[-1].checkpoint if found else None
            grown = (
                before is None
                or before.origin != one.checkpoint.origin
                or before.size < one.checkpoint.size
            )
            need(grown, where, "is not larger than the one before")
            found.append(one)
    return found


def verify_bundle(
    path: str | Path, anchors: Sequence[tuple[str, str]] = (), vkeys: Sequence[str] = ()
) -> Report:
    """The findings on an evidence bundle; anchors are (name, note). Raises OSError."""
    report = Report()
    with Path(path).open("rb") as file, report.noting():
        need(Path(path).stat().st_size, "the ZIP file", "is empty")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        _verify_bundle(report, _read_archive(data), anchors, vkeys)
    return report


def _verify_bundle(
    report: Report,
    files: dict[str, memoryview],
    anchors: Sequence[tuple[str, str]],
    given: Sequence[str],
) -> None:
    manifest, log = _read_manifest(report, files), _Log(files["entries.bin"])
    carried, receipt_keys = _read_keys(files)
    vkeys = list(dict.fromkeys([*given, *carried]))
    note = utf8(bytes(files["checkpoint"]), "checkpoint")
    last = _Signed("checkpoint", *_open_checkpoint(note, vkeys, "checkpoint"))
    origin, size, _ = last.checkpoint
    need((origin, size) == manifest[:2], "checkpoint", "is not the one that the manifest names")
    need(len(files["entries.bin"]) == size * ENTRY, "entries.bin", f"does not hold {size} entries")
    earlier = _read_checkpoints(report, files, vkeys)
    known = []
    for name, text in anchors:
        with report.noting():
            known.append(_Signed(name, *_open_checkpoint(text, vkeys, name)))
    wanted = [one.checkpoint.size for one in (last, *earlier, *known)]
    judge = _Judge(tree_roots(files["entries.bin"], size, wanted), manifest, log)
    # Before the events: what doesn't stand in the tree is no evidence of anything.
    why = "its root is not that of the entries in entries.bin"
    need(judge.roots[size] == last.checkpoint.root, "checkpoint", why)
    report.checked.append(f"The {size} entries make the tree of the checkpoint of {origin}.")
    _say_signed(report, last.checkpoint, last.note)
    _say_trust(report, last, given)
    _verify_events(report, files, manifest, log)
    with report.noting():
        need(log.begun in {None, origin}, "checkpoint", f"its log goes by {log.begun} since")
        judge.judge(last)
    prefixes = 0
    for one in earlier:
        with report.noting():
            open_question = judge.judge(one)
            prefixes += open_question is None
            report.not_checked += [open_question] if open_question else []
    if earlier:
        report.checked.append(
            f"Earlier checkpoints that are signed and whose trees are the beginning of this one:"
            f" {prefixes} of {len(earlier)}."
        )
    for one in known:
        with report.noting():
            open_question = judge.judge(one)
            if open_question:
                report.not_checked.append(open_question)
            else:
                report.checked.append(
                    f"{one.where}: its {one.checkpoint.size} entries are the first of this log;"
                    " nothing was changed or taken out since."
                )
    _say_announced(report, log, carried, receipt_keys)
    _judge_retention(report, manifest, log)
    report.not_checked.append(TRUTH)
    _shorten(report)


def _shorten(report: Report) -> None:
    if len(report.failed) > SHOWN_FAILURES:
        more = len(report.failed) - SHOWN_FAILURES
        report.failed[SHOWN_FAILURES:] = [f"And {more} failures more."]


def _say_trust(report: Report, last: _Signed, given: Sequence[str]) -> None:
    if not given:
        for vkey in last.note.signed_by:
            report.not_checked.append(
                f"Whose key it is: this bundle itself carries {vkey}; compare it with one that you"
                " know, or give yours."
            )
        return
    by_given = any(vkey in given for vkey in last.note.signed_by)
    need(by_given, "checkpoint", "none of the keys that you gave signed it")
    report.checked.append("The key that signed the checkpoint is one that you gave.")


def _say_announced(
    report: Report, log: _Log, checkpoint_keys: Sequence[str], receipt_keys: Sequence[str]
) -> None:
    keys = [("checkpoints", vkey) for vkey in checkpoint_keys]
    for purpose, vkey in keys + [("receipts", vkey) for vkey in receipt_keys]:
        seq = log.announced.get((purpose, vkey))
        if seq is None:
            report.not_checked.append(
                f"The key for {purpose} {vkey}: no event in this bundle announces it."
            )
        else:
            report.checked.append(f"Entry {seq} announces the key for {purpose} {vkey}.")


# --- Tiles

TILE = 256


def verify_tiles(
    folder: str | Path, anchors: Sequence[tuple[str, str]] = (), vkeys: Sequence[str] = ()
) -> Report:
    """The findings on a folder of `checkpoint` and C2SP tlog-tiles `tile/…`. Raises OSError."""
    report, folder = Report(), Path(folder)
    with report.noting():
        note = utf8((folder / "checkpoint").read_bytes(), "checkpoint")
        checkpoint, signed = _open_checkpoint(note, vkeys, "checkpoint")
        _say_signed(report, checkpoint, signed)
        _Tiles(report, folder, checkpoint).check(anchors, vkeys)
        report.not_checked.append(
            "What the entries are of: tiles hold hashes alone. Proofs and evidence bundles open"
            " them."
        )
        report.not_checked.append(TRUTH)
        _shorten(report)
    return report


def _place(index: int, width: int) -> str:
    """Groups of three digits, all but the last with `x`; `.p/<width>` where it is not full."""
    last = f"{index % 1000:03}"
    while index >= 1000:
        index //= 1000
        last = f"x{index % 1000:03}/{last}"
    return last if width == TILE else f"{last}.p/{width}"


def _parse_place(name: str) -> tuple[str, int, int]:
    """Kind (a level, or `entries`), index and width of a file below `tile`."""
    match = re.fullmatch(
        "([0-9]|[1-5][0-9]|6[0-3]|entries)/((?:x[0-9]{3}/)*[0-9]{3})(?:\\.p/([0-9]{1,3}))?", name
    )
    if match:
        index = int(re.sub("[x/]", "", match[2]))
        width = TILE if match[3] is None else int(match[3])
        if 0 < width <= TILE and name == f"{match[1]}/{_place(index, width)}":
            return match[1], index, width
    raise VerificationError(f"tile/{name}", "is not how a tile is named")


class _Tiles:
    """A folder of tiles, held against its checkpoint."""

    def __init__(self, report: Report, folder: Path, checkpoint: Checkpoint) -> None:
        self.report, self.folder, self.checkpoint = report, folder, checkpoint
        self.size = checkpoint.size
        self.of = f"the checkpoint of {checkpoint.origin}"

    def check(self, anchors: Sequence[tuple[str, str]], vkeys: Sequence[str]) -> None:
        """Every file in the folder, and the anchors. Raises VerificationError, OSError."""
        known = []
        for name, text in anchors:
            with self.report.noting():
                known.append((name, open_checkpoint(text, vkeys, name)))
        leaves = self._leaves()
        levels = _levels(leaves)
        sound, beyond = 0, []
        for path in sorted((self.folder / "tile").rglob("*")):
            if path.is_dir():
                continue
            name = path.relative_to(self.folder / "tile").as_posix()
            with self.report.noting():
                kind, index, width = _parse_place(name)
                level = 0 if kind == "entries" else int(kind)
                row = levels[level] if level < len(levels) else []
                first = index * TILE
                found = self._read(f"tile/{name}", kind, width)
                _compare(f"tile/{name}", kind, first, found, row[first : first + width])
                if first + width > len(row):
                    beyond.append(f"tile/{name}")
                else:
                    sound += 1
        self._all_there(levels)
        if not self.report.failed:
            self.report.checked.append(
                f"Each of the {sound} tiles and entry bundles holds what the {self.size} entries"
                f" make, and these have the root of {self.of}."
            )
        if beyond:
            self.report.not_checked.append(
                f"Tiles that reach beyond {self.of}: {', '.join(beyond[:10])}"
                + (" and more." if len(beyond) > 10 else ".")
            )
        for name, one in known:
            with self.report.noting():
                self._check_anchor(name, one, leaves)

    def _leaves(self) -> list[bytes]:
        """The leaves of the checkpoint's root: the entries say them, or else level 0.

        A single one of them may be wrong without hiding which. Raises VerificationError.
        """
        problems = []
        for kind in ("entries", "0"):
            try:
                leaves = self._row(kind)
                root = _fold(leaves) if leaves else sha256().digest()
                if root == self.checkpoint.root:
                    return leaves
                problems.append(f"tile/{kind} has another root")
            except VerificationError as error:
                problems.append(str(error).rstrip("."))
        why = f"nothing in the folder has its root ({'; '.join(problems)})"
        raise VerificationError("checkpoint", why)

    def _row(self, kind: str) -> list[bytes]:
        """The hashes that its tiles have; of entries, their leaf hashes."""
        row: list[bytes] = []
        for first in range(0, self.size, TILE):
            width = min(self.size - first, TILE)
            name = self._find(kind, first // TILE, width)
            # A mirror may have fetched a wider one since, of which this is the beginning.
            row += self._read(name, kind, _parse_place(name[len("tile/") :])[2])[:width]
        return row

    def _find(self, kind: str, index: int, least: int) -> str:
        """The narrowest tile that has so many hashes. Raises VerificationError."""
        for width in range(least, TILE + 1):
            name = f"tile/{kind}/{_place(index, width)}"
            if (self.folder / name).is_file():
                return name
        raise VerificationError(f"tile/{kind}/{_place(index, least)}", "is missing")

    def _read(self, name: str, kind: str, width: int) -> list[bytes]:
        """The hashes in a tile, or the leaf hashes of the entries. Raises VerificationError."""
        data = (self.folder / name).read_bytes()
        step = HASH if kind != "entries" else 2 + ENTRY
        need(len(data) == width * step, name, f"has not the length of {width} of them")
        pieces = [data[at : at + step] for at in range(0, len(data), step)]
        if kind != "entries":
            return pieces
        for at, piece in enumerate(pieces):
            whole = piece[:2] == ENTRY.to_bytes(2, "big")
            need(whole, name, f"the length of its entry {at} is not {ENTRY}")
        return [leaf_hash(piece[2:]) for piece in pieces]

    def _all_there(self, levels: Sequence[Sequence[bytes]]) -> None:
        """Every tile that the checkpoint's tree has is in the folder."""
        for level, row in enumerate(levels):
            for kind in ("entries", "0") if level == 0 else (str(level),):
                for first in range(0, len(row), TILE):
                    with self.report.noting():
                        self._find(kind, first // TILE, min(len(row) - first, TILE))

    def _check_anchor(self, name: str, anchor: Checkpoint, leaves: Sequence[bytes]) -> None:
        ours = self.checkpoint
        same_log = lineage(anchor.origin)[0] == lineage(ours.origin)[0]
        need(same_log, name, f"is of another log: {anchor.origin}")
        if anchor.size > ours.size:
            self.report.not_checked.append(
                f"{name}: of size {anchor.size}, and the tiles end at {ours.size}."
            )
            return
        first = list(leaves[: anchor.size])
        agrees = (_fold(first) if first else sha256().digest()) == anchor.root
        if not agrees and anchor.origin != ours.origin:
            self.report.not_checked.append(
                f"{name}: of size {anchor.size} under another name of this log,"
                f" {anchor.origin}, and the log has another root there; only an evidence bundle"
                " tells what a restore lost."
            )
            return
        why = f"the log had another root at size {anchor.size}: it was rewritten, or it forked"
        need(agrees, name, why)
        self.report.checked.append(
            f"{name}: its {anchor.size} entries are the first of this log; nothing was changed or"
            " taken out since."
        )


def _levels(leaves: list[bytes]) -> list[list[bytes]]:
    """The hashes of each level of tiles: of level 0 the leaves, then those of full tiles."""
    levels = [leaves]
    while len(levels[-1]) >= TILE:
        below = levels[-1]
        full = range(0, len(below) - TILE + 1, TILE)
        levels.append([_fold(below[first : first + TILE]) for first in full])
    return levels


def _compare(
    name: str, kind: str, first: int, found: Sequence[bytes], expected: Sequence[bytes]
) -> None:
    """Raises VerificationError with the first that differs."""
    for at, one in enumerate(expected):
        if found[at] != one:
            wrong = (
                f"entry {first + at} is not the one that was recorded"
                if kind == "entries"
                else f"its hash {at} is not that of the entries"
            )
            raise VerificationError(name, wrong)


# --- Command line


def for_terminal(text: str) -> str:
    """The text with all that a terminal would obey instead of showing it written out."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Verifies an evidence bundle, a proof, a consistency proof or tiles, offline."
    )
    evidence = parser.add_mutually_exclusive_group(required=True)
    kinds = "bundle (.zip), .tlog-proof, or consistency proof (.json)"
    evidence.add_argument("file", nargs="?", help=kinds)
    evidence.add_argument("--tiles", metavar="FOLDER", help="a copy of the log's tiles")
    parser.add_argument("--key", action="append", default=[], help="a vkey that you trust")
    parser.add_argument("--anchor", action="append", default=[], help="checkpoint you kept: a file")
    parser.add_argument("--content", help="a ciphertext: is it the one that the proof is of?")
    parser.add_argument("--receipt", help="the receipt that the sender holds: a file")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    return parser.parse_args(arguments)


def _findings(given: argparse.Namespace) -> Report:
    anchors = [(name, utf8(Path(name).read_bytes(), name)) for name in given.anchor]
    path, begin = Path(given.tiles or given.file), b""
    if not given.tiles:
        with path.open("rb") as file:
            begin = file.read(len(PROOF_HEADER))
    if (given.content or given.receipt) and begin[:4] != b"c2sp":
        raise ValueError("--content and --receipt go with a proof")
    if given.tiles:
        return verify_tiles(path, anchors, given.key)
    if begin[:2] == b"PK":
        return verify_bundle(path, anchors, given.key)
    if begin[:1] != b"{" and begin != PROOF_HEADER.encode():
        raise ValueError(f"{path} is neither a bundle nor a proof nor a consistency proof")
    report = Report()
    with report.noting():
        text = utf8(path.read_bytes(), "the file")
        if begin[:1] == b"{":
            if anchors:
                raise ValueError("--anchor goes with a bundle, a proof or tiles")
            return check_consistency(text, given.key)
        content = None
        if given.content:
            content = (given.content, sha256(Path(given.content).read_bytes()).digest())
        receipt = given.receipt and utf8(Path(given.receipt).read_bytes(), given.receipt)
        return check_proof(text, given.key, anchors, content, receipt)
    return report


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the findings; 0 if nothing failed, 1 if something did, 2 if it could not begin."""
    given = _arguments(arguments)
    try:
        for vkey in given.key:
            parse_vkey(vkey)
        report = _findings(given)
    except (OSError, ValueError, VerificationError) as error:
        print(for_terminal(str(error)), file=sys.stderr)
        return 2
    lists = {"checked": report.checked, "not_checked": report.not_checked, "failed": report.failed}
    if given.json:
        print(json.dumps(lists))
    else:
        for title, sentences in lists.items():
            if sentences:
                heading = title.replace("_", " ").capitalize()
                print(f"{heading}:\n" + "".join(f"  - {for_terminal(one)}\n" for one in sentences))
        if report.failed:
            print("FAILED: do not rely on this file.")
        else:
            print("Nothing failed. What was not checked is named above.")
    return int(bool(report.failed))


if __name__ == "__main__":
    sys.exit(main())
