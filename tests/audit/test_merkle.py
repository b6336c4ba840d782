"""Roots and paths, by the worked example of audit-log.md and by RFC 6962's own recursion."""

import base64
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import merkle
from audit.verifier import verify_consistency

ENTRIES = [f"entry {number}".encode() for number in range(7)]
ROOTS = {
    3: "94fbd0dd836f50301692e6d0eade728ee19ec52bfff1606ed807c8575d5aaa19",
    7: "98c97f0ba3175cd08b031dd084b9dc4e649b64d1a28e6ea694646503173ab587",
}
PATH_OF_2_IN_7 = [
    "YcoROfaBWEHVuvLQ0tm9nf7pfImN1ve6DAqpQe5sAes=",
    "WkdmL9ijF9lgSaP59HxV3GfKZgUbqjaD27GbL+CaB7A=",
    "lK+4osoFHAVFjqOdzRmxvWjn4zUp8QtDnSphWlH2NuI=",
]


def tree_hash(entries: list[bytes]) -> bytes:
    """MTH as RFC 6962, section 2.1, defines it."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\0" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return sha256(b"\1" + tree_hash(entries[:split]) + tree_hash(entries[split:])).digest()


def climb(entry: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that a path leads to (RFC 9162, section 2.1.3.2)."""
    number, last, found = index, size - 1, sha256(b"\0" + entry).digest()
    for step in path:
        assert last > 0
        if number % 2 or number == last:
            found = sha256(b"\1" + step + found).digest()
            while not number % 2 and number:
                number, last = number // 2, last // 2
        else:
            found = sha256(b"\1" + found + step).digest()
        number, last = number // 2, last // 2
    assert last == 0
    return found


@pytest.mark.parametrize("size", ROOTS)
def test_the_worked_example(size: int) -> None:
    assert merkle.root(ENTRIES[:size]).hex() == ROOTS[size]


def test_the_path_of_the_worked_example() -> None:
    path = [base64.b64encode(step).decode() for step in merkle.path(ENTRIES, 2)]

    assert path == PATH_OF_2_IN_7


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=70))
def test_the_root_is_the_rfcs(entries: list[bytes]) -> None:
    assert merkle.root(entries) == tree_hash(entries)


@settings(deadline=None)
@given(st.integers(1, 130), st.data())
def test_every_path_leads_to_the_root(size: int, data: st.DataObject) -> None:
    entries = [bytes([number]) for number in range(size)]
    index = data.draw(st.integers(0, size - 1))

    path = merkle.path(entries, index)

    assert climb(entries[index], index, size, path) == merkle.root(entries)


@pytest.mark.parametrize("index", [-1, 7])
def test_what_is_not_in_the_tree_has_no_path(index: int) -> None:
    with pytest.raises(IndexError):
        merkle.path(ENTRIES, index)


def test_the_ranges_of_a_consistency_proof_prove_it() -> None:
    entries = [bytes([number]) for number in range(20)]
    for size in range(1, len(entries) + 1):
        root = merkle.root(entries[:size])
        for old_size in range(1, size + 1):
            old_root = merkle.root(entries[:old_size])
            proof = [
                merkle.root(entries[first:last])
                for first, last in merkle.consistency_ranges(old_size, size)
            ]
            verify_consistency(old_size, size, proof, old_root, root)
