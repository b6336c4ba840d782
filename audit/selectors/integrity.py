"""A whole audit of a log: everything in it computed anew from its events and entries.

One pass over the entries by a server-side cursor, in one snapshot, in constant memory.
"""

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from audit import merkle, tiles
from audit.commitments import ENTRY_VERSION, entry_of, leaf_hash, part_commitment
from audit.logs import Log
from audit.registry import EventClass
from audit.selectors.log_keys import checkpoint_vkeys
from audit.selectors.sweeps import Sweeps, sweeps_of
from audit.selectors.tree import read_tiles, tree_head
from audit.selectors.unrecorded import unrecorded
from audit.verifier import VerificationError, open_checkpoint

ENTRIES = """
SELECT seq, entry.event_id, entry.entry, entry.leaf, event.class,
    event.who, event.who_opening, event.c_who, event.what, event.what_opening, event.c_what
FROM {t}entry AS entry
LEFT JOIN {t}event AS event ON {own:event.}event.id = entry.event_id
WHERE {own:entry.}true ORDER BY seq
"""

CHECKPOINTS = "SELECT size, origin, root, note FROM {t}checkpoint WHERE {own}true ORDER BY size"

SURPLUS_TILES = """
SELECT count(*) FROM {t}tile WHERE {own}index * (256::numeric ^ (level + 1)) >= %(size)s::bigint
"""

SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"

ROWS = 2000
"""Fetched at a time."""


class FaultError(Exception):
    """The first thing that is not as it must be."""

    def __init__(self, seq: int, field: str, why: str) -> None:
        super().__init__(f"entry {seq}, {field}: {why}")
        self.seq = seq
        self.field = field


@dataclass(frozen=True, slots=True)
class Finding:
    """What an audit found; `fault` is the first that was wrong, None if all is well."""

    entries: int
    checkpoints: int
    fault: FaultError | None


@dataclass(frozen=True, slots=True)
class _Row:
    """An entry, and what is left of its event."""

    seq: int
    event_id: UUID
    entry: bytes
    leaf: bytes
    event_class: int | None
    """None where the event is gone."""
    who: bytes | None
    who_opening: bytes | None
    c_who: bytes | None
    what: bytes | None
    what_opening: bytes | None
    c_what: bytes | None


def verify_log(log: Log, *, progress: Callable[[int], None] = lambda _: None) -> Finding:
    """Check entries, events, tiles, checkpoints, head, and other tables against each other."""
    audit = _Audit(log, progress)
    # A snapshot begins its transaction, and a test that asks is within one of its own.
    alone = not connection.in_atomic_block
    with transaction.atomic():
        if alone:
            with connection.cursor() as cursor:
                cursor.execute(SNAPSHOT)
        try:
            audit.run()
        except FaultError as fault:
            return Finding(audit.size, audit.checkpoints, fault)
    return Finding(audit.size, audit.checkpoints, None)


class _Audit:
    def __init__(self, log: Log, progress: Callable[[int], None]) -> None:
        self._log = log
        self._progress = progress
        self._tree = _Tree(log)
        self.checkpoints = 0

    @property
    def size(self) -> int:
        return self._tree.size

    def run(self) -> None:
        with (
            closing(_stream(self._log, ENTRIES, "entries")) as entries,
            closing(_stream(self._log, CHECKPOINTS, "checkpoints")) as signed,
        ):
            self._entries(map(_row, entries), signed)
        self._tree.finish()
        self._head()
        for found in unrecorded(self._log):
            raise FaultError(self.size if found.seq is None else found.seq, found.table, found.why)

    def _entries(self, rows: Iterator[_Row], signed: Iterator[tuple[Any, ...]]) -> None:
        sweeps, vkeys = sweeps_of(self._log), checkpoint_vkeys(self._log)
        due = next(signed, None)
        for row in rows:
            self._entry(row, sweeps)
            self._tree.add(row.leaf)
            while due and due[0] == self.size:
                self._checkpoint(due, vkeys)
                due = next(signed, None)
        if due:
            raise FaultError(self.size, "checkpoint", f"of {due[0]} entries, and there are not")

    def _entry(self, row: _Row, sweeps: Sweeps) -> None:
        if row.seq != self.size:
            raise FaultError(self.size, "seq", f"the next one is {row.seq}")
        if leaf_hash(row.entry) != row.leaf:
            raise FaultError(row.seq, "leaf", "it isn't the entry's hash")
        if row.entry[:1] != ENTRY_VERSION:
            raise FaultError(row.seq, "entry", "of an unknown version")
        _check_event(row)
        for part, kept in (("who", row.who), ("what", row.what)):
            if kept is None and not sweeps.covers(row.seq, row.entry[1], part):
                raise FaultError(row.seq, part, "gone, and no retention.swept accounts for it")
        if self.size % ROWS == 0:
            self._progress(self.size)

    def _checkpoint(self, signed: tuple[Any, ...], vkeys: list[str]) -> None:
        """Each root comes from the same entries, so each tree is the beginning of the next."""
        size, origin, root, note = signed[0], signed[1], bytes(signed[2]), signed[3]
        if self._tree.root() != root:
            raise FaultError(size - 1, "checkpoint", f"of {size} entries has another root")
        own = [vkey for vkey in vkeys if vkey.startswith(f"{origin}+")]
        try:
            said = open_checkpoint(note, own)
        except VerificationError as error:
            raise FaultError(size - 1, "checkpoint", f"of {size} entries: {error.why}") from error
        if said != (origin, size, root):
            raise FaultError(size - 1, "checkpoint", f"of {size} entries: its note differs")
        self.checkpoints += 1

    def _head(self) -> None:
        head = tree_head(self._log)
        if head.size != self.size:
            raise FaultError(
                self.size, "head", f"it says {head.size} entries, and there are {self.size}"
            )
        if head.root != self._tree.root():
            raise FaultError(self.size, "head", "it has another root")
        with connection.cursor() as cursor:
            cursor.execute(self._log.sql(SURPLUS_TILES), self._log.parameters(size=self.size))
            (surplus,) = cursor.fetchone()
        if surplus:
            raise FaultError(self.size, "tile", f"{surplus} stand beyond the last entry")


def _check_event(row: _Row) -> None:
    """What is left of the event against the entry."""
    if row.event_class is None or row.c_who is None or row.c_what is None:
        return
    if row.event_class not in set(EventClass) or row.event_class != row.entry[1]:
        raise FaultError(row.seq, "class", f"{row.event_class}, the entry has {row.entry[1]}")
    if entry_of(EventClass(row.event_class), row.c_who, row.c_what) != row.entry:
        raise FaultError(row.seq, "entry", "it doesn't commit to the event")
    for part, opening, bytes_, commitment in (
        ("who", row.who_opening, row.who, row.c_who),
        ("what", row.what_opening, row.what, row.c_what),
    ):
        if bytes_ is not None and part_commitment(part, opening or b"", bytes_) != commitment:
            raise FaultError(row.seq, part, "it isn't what was committed to")
    if row.what is not None and json.loads(row.what)["id"] != str(row.event_id):
        raise FaultError(row.seq, "event_id", "the event says another")


class _Tree:
    """The tree as it grows, a tile a level; each tile is held against the stored one when full."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.size = 0
        self._levels: list[list[bytes]] = [[]]
        # Complete subtrees from the left, the largest first: (leaves, hash).
        self._edge: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        self.size += 1
        one = (1, leaf)
        while self._edge and self._edge[-1][0] == one[0]:
            leaves, left = self._edge.pop()
            one = (2 * leaves, merkle.node_hash(left, one[1]))
        self._edge.append(one)
        self._append(0, leaf)

    def _append(self, level: int, value: bytes) -> None:
        if level == len(self._levels):
            self._levels.append([])
        hashes = self._levels[level]
        hashes.append(value)
        if len(hashes) == tiles.WIDTH:
            self._compare(level, hashes)
            self._levels[level] = []
            self._append(level + 1, merkle.fold(hashes))

    def finish(self) -> None:
        """Compare the tiles that aren't full."""
        for level, hashes in enumerate(self._levels):
            if hashes:
                self._compare(level, hashes)

    def _compare(self, level: int, hashes: list[bytes]) -> None:
        index = (self.size - 1) // tiles.WIDTH ** (level + 1)
        stored = read_tiles(self._log, [(level, index)]).get((level, index))
        if stored != b"".join(hashes):
            first = index * tiles.WIDTH ** (level + 1)
            raise FaultError(first, "tile", f"{level}/{index} has other hashes")

    def root(self) -> bytes:
        if not self._edge:
            return sha256().digest()
        *rest, (_, found) = self._edge
        for _, left in reversed(rest):
            found = merkle.node_hash(left, found)
        return found


def _stream(log: Log, statement: str, name: str) -> Generator[tuple[Any, ...], None, None]:
    with connection.connection.cursor(name=f"audit_{name}") as cursor:
        cursor.itersize = ROWS
        cursor.execute(log.sql(statement), log.parameters())
        yield from cursor


def _row(found: tuple[Any, ...]) -> _Row:
    values: list[Any] = [bytes(one) if isinstance(one, memoryview) else one for one in found]
    return _Row(*values)
