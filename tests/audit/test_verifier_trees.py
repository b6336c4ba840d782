"""Inclusion and consistency, by RFC 6962's definitions, for every tree up to a size."""

import base64
from hashlib import sha256

import pytest

from audit import merkle, verifier
from audit.verifier import VerificationError

SIZES = range(71)
ENTRIES = [number.to_bytes(34, "big") for number in SIZES]
ROOTS = [merkle.root(ENTRIES[:size]) for size in SIZES]
EXAMPLE = [f"entry {number}".encode() for number in range(7)]


def consistency_proof(entries: list[bytes], old: int) -> list[bytes]:
    """PROOF(m, D[n]) as RFC 6962, section 2.1.2, defines it."""
    return _subproof(entries, old, whole=True) if 0 < old < len(entries) else []


def _subproof(entries: list[bytes], old: int, *, whole: bool) -> list[bytes]:
    if old == len(entries):
        return [] if whole else [merkle.root(entries)]
    split = 1
    while split * 2 < len(entries):
        split *= 2
    left, right = entries[:split], entries[split:]
    if old <= split:
        return [*_subproof(left, old, whole=whole), merkle.root(right)]
    return [*_subproof(right, old - split, whole=False), merkle.root(left)]


def test_the_worked_example() -> None:
    leaf = verifier.leaf_hash(EXAMPLE[0])
    path = [base64.b64decode(line) for line in PATH_OF_2_IN_7]
    found = verifier.root_from_inclusion(verifier.leaf_hash(EXAMPLE[2]), 2, 7, path)

    assert leaf.hex() == "773885a613489e24ce2cf76199d6a423f042e4bbf12d7eecee912ef276c65701"
    assert found.hex() == ROOT_7
    assert verifier.parse_vkey(VKEY).public.hex()[:8] == "03a107bf"


VKEY = "log.example.org/o/acme+6793a1b8+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
ROOT_3 = "94fbd0dd836f50301692e6d0eade728ee19ec52bfff1606ed807c8575d5aaa19"
ROOT_7 = "98c97f0ba3175cd08b031dd084b9dc4e649b64d1a28e6ea694646503173ab587"
PATH_OF_2_IN_7 = [
    "YcoROfaBWEHVuvLQ0tm9nf7pfImN1ve6DAqpQe5sAes=",
    "WkdmL9ijF9lgSaP59HxV3GfKZgUbqjaD27GbL+CaB7A=",
    "lK+4osoFHAVFjqOdzRmxvWjn4zUp8QtDnSphWlH2NuI=",
]


def test_the_worked_examples_trees_are_consistent() -> None:
    proof = consistency_proof(EXAMPLE, 3)

    verifier.verify_consistency(3, 7, proof, bytes.fromhex(ROOT_3), bytes.fromhex(ROOT_7))


@pytest.mark.parametrize("size", SIZES)
def test_every_entry_is_in_its_tree_and_nowhere_else(size: int) -> None:
    for index in range(size):
        path = merkle.path(ENTRIES[:size], index)
        leaf = verifier.leaf_hash(ENTRIES[index])
        verifier.verify_inclusion(leaf, index, size, path, ROOTS[size])
        for wrong in (index - 1, index + 1, size):
            if wrong >= 0:
                with pytest.raises(VerificationError):
                    verifier.verify_inclusion(leaf, wrong, size, path, ROOTS[size])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 65])
def test_a_path_that_is_too_long_or_too_short_leads_nowhere(size: int) -> None:
    for index in range(size):
        path = merkle.path(ENTRIES[:size], index)
        leaf = verifier.leaf_hash(ENTRIES[index])
        for wrong in ([*path, bytes(32)], path[1:], path[:-1]):
            if wrong != path:
                with pytest.raises(VerificationError):
                    verifier.verify_inclusion(leaf, index, size, wrong, ROOTS[size])


@pytest.mark.parametrize("new", SIZES)
def test_every_smaller_tree_is_a_beginning(new: int) -> None:
    for old in range(new + 1):
        proof = consistency_proof(ENTRIES[:new], old)
        verifier.verify_consistency(old, new, proof, ROOTS[old], ROOTS[new])
        with pytest.raises(VerificationError):
            verifier.verify_consistency(old, new, [*proof, bytes(32)], ROOTS[old], ROOTS[new])
        with pytest.raises(VerificationError):
            verifier.verify_consistency(old, new, proof, bytes(32), ROOTS[new])
        if 0 < old < new:
            with pytest.raises(VerificationError):
                verifier.verify_consistency(old, new, proof, ROOTS[old], bytes(32))
            with pytest.raises(VerificationError):
                verifier.verify_consistency(old, new, proof[:-1], ROOTS[old], ROOTS[new])


def test_a_tree_that_was_rewritten_is_no_beginning() -> None:
    rewritten = [*ENTRIES[:3], b"other", *ENTRIES[4:]]
    proof = consistency_proof(ENTRIES, 10)

    with pytest.raises(VerificationError, match="root of the older checkpoint"):
        verifier.verify_consistency(
            10, 71, proof, merkle.root(rewritten[:10]), merkle.root(ENTRIES)
        )


@pytest.mark.parametrize("size", [0, 1, 2, 70, 255, 256, 257, 600, 1024, 1025])
def test_the_roots_of_all_beginnings_in_one_pass(size: int) -> None:
    entries = [number.to_bytes(34, "big") for number in range(size)]
    wanted = sorted({0, min(size, 1), size // 3, size // 2, max(size - 1, 0), size})

    found = verifier.tree_roots(memoryview(b"".join(entries)), size, wanted)

    assert {end: found[end] for end in wanted} == {
        end: merkle.root(entries[:end]) for end in wanted
    }


def test_an_empty_tree_has_the_hash_of_nothing() -> None:
    assert verifier.tree_roots(b"", 0, [0]) == {0: sha256().digest()}
