"""docs/vectors/log.json against the verifier that devices and auditors have."""

import json
from typing import Any

import pytest

from audit.verifier import (
    VerificationError,
    leaf_hash,
    open_checkpoint,
    verify_consistency,
    verify_inclusion,
    verify_proof,
)
from semafore.local.client.receipts import ReceiptError, read_receipt
from semafore.local.client.wire import decode, encode
from tests.docs.vectors.make import path_of

LOG: dict[str, Any] = json.loads(path_of("log").read_text(encoding="utf-8"))
VKEYS = [LOG["vkey"]]


def test_checkpoints_and_what_connects_them() -> None:
    for name in ("checkpoint", "older_checkpoint"):
        opened = open_checkpoint(LOG[name]["note"], VKEYS)
        assert (opened.size, encode(opened.root)) == (LOG[name]["size"], LOG[name]["root"])
    assert [encode(leaf_hash(bytes.fromhex(one))) for one in LOG["entries"]] == LOG["leaves"]
    new, old = (decode(LOG[name]["root"]) for name in ("checkpoint", "older_checkpoint"))
    hashes = [decode(one) for one in LOG["consistency"]["hashes"]]
    verify_consistency(LOG["consistency"]["from"], LOG["consistency"]["to"], hashes, old, new)
    with pytest.raises(VerificationError):
        verify_consistency(5, 11, hashes, new, old)
    one = LOG["inclusion"]
    path = [decode(step) for step in one["path"]]
    verify_inclusion(decode(one["leaf"]), one["index"], one["size"], path, new)
    with pytest.raises(VerificationError):
        verify_inclusion(decode(one["leaf"]), one["index"] + 1, one["size"], path, new)


def test_the_receipt() -> None:
    receipt = read_receipt(LOG["receipt"]["note"], LOG["receipt_vkey"])
    assert encode(receipt.leaf) == LOG["receipt"]["leaf"]
    assert receipt.accepted_at == LOG["receipt"]["accepted_at"]
    assert receipt.include_by == LOG["receipt"]["include_by"]


def test_the_proof_of_an_approval() -> None:
    one = LOG["enrolment_proof"]
    proved = verify_proof(one["proof"], VKEYS)
    assert proved.what is not None
    assert proved.what["data"]["identity_key"] == one["identity_key"]
    assert proved.what["data"]["device_id"] == one["device_id"]
    assert (proved.index, encode(proved.leaf)) == (one["index"], one["leaf"])
    assert encode(leaf_hash(bytes.fromhex(one["entry"]))) == one["leaf"]


@pytest.mark.parametrize("one", LOG["refused"]["notes"], ids=lambda one: one["shows"])
def test_a_note_that_is_refused(one: dict[str, str]) -> None:
    with pytest.raises(VerificationError):
        open_checkpoint(one["note"], [*VKEYS, LOG["receipt_vkey"]])


@pytest.mark.parametrize("one", LOG["refused"]["receipts"], ids=lambda one: one["shows"])
def test_a_receipt_that_is_refused(one: dict[str, str]) -> None:
    with pytest.raises(ReceiptError):
        read_receipt(one["note"], LOG["receipt_vkey"], LOG["vkey"])


@pytest.mark.parametrize("one", LOG["refused"]["proofs"], ids=lambda one: one["shows"])
def test_a_proof_that_is_refused(one: dict[str, str]) -> None:
    assert one["proof"] != LOG["enrolment_proof"]["proof"]
    with pytest.raises(VerificationError):
        verify_proof(one["proof"], VKEYS)
