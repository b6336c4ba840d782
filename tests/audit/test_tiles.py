"""Tiles and entry bundles as they are published (C2SP tlog-tiles)."""

from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.logs import Log, log_of
from audit.models import Entry
from audit.selectors.published import published_entries, published_tile
from audit.selectors.tree import tree_head
from audit.services.sequencer import sequence
from audit.tile_paths import parse_place, place
from orgs.models import Organisation
from semafore.kernel.problems import NotFound
from semafore.kernel.tenancy import organisation_scope
from tests.audit.published import grow, publish, record_events


def entries_of(of: Organisation) -> list[bytes]:
    with organisation_scope(of.id):
        return [bytes(row.entry) for row in Entry.objects.order_by("seq")]


def rows_of_tiles(entries: list[bytes]) -> list[list[bytes]]:
    """The hashes of each level, by a computation of its own."""
    level = [sha256(b"\0" + entry).digest() for entry in entries]
    levels = []
    while level:
        levels.append(level)
        whole = len(level) // 256
        for _ in range(8):
            level = [sha256(b"\1" + left + right).digest() for left, right in pairs(level)]
        level = level[:whole]
    return levels


def pairs(level: list[bytes]) -> list[tuple[bytes, bytes]]:
    return [both for at, both in enumerate(pairwise(level)) if at % 2 == 0]


@pytest.fixture
def log(acme: Organisation) -> Log:
    return log_of(acme.id)


def test_tiles_hold_the_trees_hashes(acme: Organisation, log: Log) -> None:
    sizes = [publish(acme).size, grow(acme, 250).size, grow(acme, 600).size]
    levels = rows_of_tiles(entries_of(acme))

    assert len(levels) == 2
    for level, hashes in enumerate(levels):
        for size in sizes:
            whole, rest = divmod(size >> 8 * level, 256)
            for index in range(whole):
                wanted = b"".join(hashes[256 * index : 256 * index + 256])
                assert published_tile(log, level=level, index=index, width=256) == wanted
            if rest:
                wanted = b"".join(hashes[256 * whole : 256 * whole + rest])
                assert published_tile(log, level=level, index=whole, width=rest) == wanted


def test_bundles_hold_the_entries(acme: Organisation, log: Log) -> None:
    size = grow(acme, 600).size
    entries = entries_of(acme)
    whole, rest = divmod(size, 256)
    for index in range(whole + 1):
        width = 256 if index < whole else rest
        bundle = published_entries(log, index=index, width=width)
        wanted = entries[256 * index : 256 * index + width]
        assert bundle == b"".join(b"\x00\x22" + entry for entry in wanted)


def test_nothing_is_served_that_no_checkpoint_covers(acme: Organisation, log: Log) -> None:
    with pytest.raises(NotFound):
        published_tile(log, level=0, index=0, width=1)
    size = publish(acme).size
    record_events(acme, 300)
    sequence(log)
    assert tree_head(log).size > 256 > size > 0

    assert len(published_tile(log, level=0, index=0, width=size)) == size * 32
    assert len(published_entries(log, index=0, width=size)) == size * 36
    for level, index, width in (
        (0, 0, size + 1),
        (0, 0, 256),
        (0, 1, 1),
        (1, 0, 1),
        (63, 0, 1),
        (0, 10**30, 256),
    ):
        with pytest.raises(NotFound):
            published_tile(log, level=level, index=index, width=width)
        if level == 0:
            with pytest.raises(NotFound):
                published_entries(log, index=index, width=width)


def test_a_level_begins_with_its_first_full_tile(acme: Organisation, log: Log) -> None:
    already = publish(acme).size
    assert grow(acme, 255 - already).size == 255
    with pytest.raises(NotFound):
        published_tile(log, level=1, index=0, width=1)

    assert grow(acme, 1).size == 256

    assert len(published_tile(log, level=1, index=0, width=1)) == 32


@pytest.mark.parametrize(
    ("path", "index", "width"),
    [
        ("000", 0, 256),
        ("067", 67, 256),
        ("999.p/255", 999, 255),
        ("x001/000", 1000, 256),
        ("x001/x234/067", 1234067, 256),
        ("x001/x234/067.p/1", 1234067, 1),
    ],
)
def test_how_a_place_is_written(path: str, index: int, width: int) -> None:
    assert parse_place(path) == (index, width)
    assert place(index, width) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        "00",
        "0000",
        "x000",
        "x000/000",
        "001/000",
        "x001/x000",
        "x001/",
        "/000",
        "000/",
        "X001/000",
        "000.p/0",
        "000.p/00",
        "000.p/01",
        "000.p/256",
        "000.p/999",
        "000.p/",
        "000.p/-1",
        "000.p",
        "000.p/1/",
        "000.p/1.p/1",
        "-01",
        "+01",
        "\u0660\u0660\u0660",
        "000\n",
        " 000",
        "000.p/1\n",
        "000.p/\u0661",
    ],
)
def test_other_spellings_are_none(path: str) -> None:
    with pytest.raises(ValueError, match="place"):
        parse_place(path)


@settings(deadline=None)
@given(st.integers(0, 2**63), st.integers(1, 256))
def test_every_place_has_one_spelling(index: int, width: int) -> None:
    assert parse_place(place(index, width)) == (index, width)
