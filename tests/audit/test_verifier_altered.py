"""No byte is free: whatever single byte is another, it is caught, and said where."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit import verifier
from audit.verifier import Report, VerificationError, check_consistency, check_proof
from tests.audit.evidence_log import (
    CIPHERTEXTS,
    NEXT_SIGNER,
    RECEIPTS,
    SIGNER,
    a_log,
    consistency,
    rebuilt,
    unpacked,
)
from tests.audit.test_verifier_trees import consistency_proof

LOG = a_log()
LOG.events[6].gone = {"who"}
KEYS = [SIGNER.vkey, NEXT_SIGNER.vkey, RECEIPTS.vkey]
PROOFS = [
    LOG.proof(6, NEXT_SIGNER, content=CIPHERTEXTS[1]).encode(),
    LOG.proof(3).encode(),
    LOG.proof(11).encode(),
]
CONSISTENCY = consistency(
    LOG.checkpoint(7), LOG.checkpoint(), consistency_proof(LOG.entries, 7)
).encode()
RECEIPT = LOG.receipt(6).encode()
BUNDLE = a_log().bundle()
PROVED = ["checkpoint", "checkpoints.jsonl", "keys.json", "entries.bin", "events.jsonl"]
FLIPS = st.integers(1, 255)
MANY = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def altered(whole: bytes, at: int, flip: int) -> bytes:
    """The same with one byte another."""
    at %= len(whole)
    return whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :]


def proof_findings(proof: bytes, receipt: bytes | None = None) -> Report:
    """As the command reads it."""
    report = Report()
    with report.noting():
        text = verifier.utf8(proof, "the file")
        held = None if receipt is None else verifier.utf8(receipt, "the receipt")
        return check_proof(text, KEYS, receipt=held)
    return report


def bundle_findings(bundle: bytes, folder: Path) -> Report:
    """As the command reads it."""
    path = folder / "bundle.zip"
    path.write_bytes(bundle)
    return verifier.verify_bundle(path)


def test_unaltered_they_are_good(tmp_path: Path) -> None:
    assert [proof_findings(proof).failed for proof in PROOFS] == [[], [], []]
    assert proof_findings(PROOFS[0], RECEIPT).failed == []
    assert check_consistency(CONSISTENCY.decode(), KEYS).failed == []
    assert bundle_findings(BUNDLE, tmp_path).failed == []
    assert rebuilt(BUNDLE, {}) == BUNDLE


@pytest.mark.parametrize("flip", [1, 4, 32, 128])
@pytest.mark.parametrize("proof", PROOFS)
def test_every_byte_of_a_proof(proof: bytes, flip: int) -> None:
    for at in range(len(proof)):
        assert proof_findings(altered(proof, at, flip)).failed, (at, proof[at : at + 20])


@MANY
@given(proof=st.sampled_from(PROOFS), at=st.integers(0), flip=FLIPS)
def test_any_other_value_in_a_proof(proof: bytes, at: int, flip: int) -> None:
    (failure,) = proof_findings(altered(proof, at, flip)).failed

    assert failure.split(":")[0].split(",")[0] in {
        "the file",
        "the proof",
        "the inclusion proof",
        "the checkpoint",
    }


@MANY
@given(proof=st.sampled_from(PROOFS), at=st.integers(0), piece=st.binary(min_size=1, max_size=3))
def test_what_is_put_into_a_proof(proof: bytes, at: int, piece: bytes) -> None:
    at %= len(proof) + 1
    longer = proof[:at] + piece + proof[at:]

    assert longer == proof or proof_findings(longer).failed


@MANY
@given(proof=st.sampled_from(PROOFS), at=st.integers(0), length=st.integers(1, 50))
def test_what_is_cut_out_of_a_proof(proof: bytes, at: int, length: int) -> None:
    at %= len(proof)
    shorter = proof[:at] + proof[at + length :]
    # A whole line of a key that signs beside another may be missing: the other has signed.
    known = {proof.rpartition(b"\xe2\x80\x94")[0], b"".join(proof.splitlines(keepends=True)[:-2])}

    assert shorter in known or proof_findings(shorter).failed


@MANY
@given(at=st.integers(0), flip=FLIPS)
def test_any_byte_of_a_receipt(at: int, flip: int) -> None:
    (failure,) = proof_findings(PROOFS[0], altered(RECEIPT, at, flip)).failed

    assert failure.startswith("the receipt")


@MANY
@given(at=st.integers(0), flip=FLIPS)
def test_any_byte_of_a_consistency_proof(at: int, flip: int) -> None:
    try:
        text = altered(CONSISTENCY, at, flip).decode()
    except UnicodeDecodeError:
        return
    assert check_consistency(text, KEYS).failed


@MANY
@given(at=st.integers(0), flip=FLIPS)
def test_any_byte_of_a_key(at: int, flip: int) -> None:
    try:
        vkey = altered(SIGNER.vkey.encode(), at, flip).decode()
    except UnicodeDecodeError:
        return
    with pytest.raises(VerificationError):
        verifier.parse_vkey(vkey)


@MANY
@given(at=st.integers(0), flip=FLIPS)
def test_any_byte_of_the_archive(at: int, flip: int, tmp_path: Path) -> None:
    assert bundle_findings(altered(BUNDLE, at, flip), tmp_path).failed


HEADERS = [
    at
    for mark in (b"PK\3\4", b"PK\1\2", b"PK\5\6")
    for start in [at for at in range(len(BUNDLE)) if BUNDLE.startswith(mark, at)]
    for at in range(start, min(start + 60, len(BUNDLE)))
]


@MANY
@given(at=st.sampled_from(HEADERS), flip=FLIPS)
def test_any_byte_of_the_archives_headers(at: int, flip: int, tmp_path: Path) -> None:
    assert bundle_findings(altered(BUNDLE, at, flip), tmp_path).failed


@pytest.mark.parametrize("name", PROVED)
@settings(MANY, max_examples=150)
@given(at=st.integers(0), flip=FLIPS)
def test_any_byte_of_what_is_proved_also_where_the_manifest_agrees(
    name: str, at: int, flip: int, tmp_path: Path
) -> None:
    files = unpacked(BUNDLE)
    changed = rebuilt(BUNDLE, {name: altered(files[name], at, flip)})

    failed = bundle_findings(changed, tmp_path).failed

    named = {"keys.json": ("keys.json", "the key"), "entries.bin": ("checkpoint: its root",)}
    assert failed
    assert failed[0].startswith(named.get(name, (name,))), failed


@settings(MANY, max_examples=100)
@given(data=st.data())
def test_lines_that_are_left_out_doubled_or_moved(data: st.DataObject, tmp_path: Path) -> None:
    lines = unpacked(BUNDLE)["events.jsonl"].splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    to = data.draw(st.integers(0, len(lines) - 1))
    act = data.draw(st.sampled_from(["drop", "double", "move"]))
    line = lines[at]
    if act != "double":
        del lines[at]
    if act != "drop":
        lines.insert(to, line)
    changed = rebuilt(BUNDLE, {"events.jsonl": b"".join(lines)}, events=len(lines))

    assert changed == BUNDLE or bundle_findings(changed, tmp_path).failed
