"""Our trees, proofs and notes before verifiers that others wrote (proofbundle, pymerkle)."""

import base64
import secrets
from collections.abc import Sequence

import pytest
from proofbundle import verify_consistency, verify_tlog_proof
from proofbundle.checkpoint import verify_checkpoint
from pymerkle import InmemoryTree

from audit.logs import Log, log_of
from audit.models import Entry
from audit.selectors.checkpoints import SignedHead
from audit.selectors.proofs import consistency, event_proof
from orgs.models import Organisation
from semafore.kernel.tenancy import organisation_scope
from tests.audit.published import grow
from tests.audit.reading import read, vkey_of

CHECKED = 60

chance = secrets.SystemRandom()


@pytest.fixture
def log(acme: Organisation) -> Log:
    return log_of(acme.id)


@pytest.fixture
def heads(acme: Organisation) -> list[SignedHead]:
    """Checkpoints of a log that grew to some thousand entries by steps of any length."""
    steps = [1, 7, 255, 256, 1, *(chance.randrange(1, 700) for _ in range(4))]
    return [grow(acme, number) for number in steps]


@pytest.fixture
def placed(acme: Organisation, heads: Sequence[SignedHead]) -> list[Entry]:
    with organisation_scope(acme.id):
        return list(Entry.objects.order_by("seq"))


def test_roots_are_pymerkles(heads: list[SignedHead], placed: list[Entry]) -> None:
    tree = InmemoryTree(algorithm="sha256")
    for row in placed:
        tree.append_entry(bytes(row.entry))

    assert [head.root for head in heads] == [tree.get_root(head.size) for head in heads]
    wrong = InmemoryTree(algorithm="sha256")
    for row in reversed(placed):
        wrong.append_entry(bytes(row.entry))
    assert wrong.get_root() != heads[-1].root


def test_proofs_are_accepted_by_proofbundle(
    log: Log, heads: list[SignedHead], placed: list[Entry]
) -> None:
    signed = heads[-1]
    vkey = vkey_of(signed)
    first, last = placed[0], placed[-1]
    for row in (first, last, *chance.sample(placed, CHECKED)):
        found = event_proof(log, event_id=row.event_id, open_parts={"what"})
        assert found is not None
        entry = bytes(row.entry)
        said = verify_tlog_proof(found.text, entry, vkey, expected_origin=signed.origin)
        assert said["ok"], (row.seq, said)
        assert (said["index"], said["tree_size"]) == (row.seq, signed.size)

        another = bytearray(entry)
        another[chance.randrange(len(another))] ^= 1 << chance.randrange(8)
        assert not verify_tlog_proof(found.text, bytes(another), vkey)["ok"]
        hashes = read(found.text).hashes
        text = base64.b64encode(chance.choice(hashes)).decode()
        assert not verify_tlog_proof(
            found.text.replace(text, base64.b64encode(bytes(32)).decode()), entry, vkey
        )["ok"]
        moved = found.text.replace(f"index {row.seq}\n", f"index {row.seq ^ 1}\n")
        assert not verify_tlog_proof(moved, entry, vkey)["ok"]


def test_each_checkpoint_goes_on_from_each_before_it(log: Log, heads: list[SignedHead]) -> None:
    for place, old in enumerate(heads):
        for new in heads[place + 1 :]:
            hashes = consistency(log, old_size=old.size, size=new.size).hashes
            assert verify_consistency(old.size, new.size, hashes, old.root, new.root)
            other = chance.choice([head for head in heads if head is not old])
            assert not verify_consistency(old.size, new.size, hashes, other.root, new.root)
            broken = [bytes(32), *hashes[1:]]
            assert not verify_consistency(old.size, new.size, broken, old.root, new.root)


def test_checkpoints_are_opened_by_proofbundle(heads: list[SignedHead]) -> None:
    for head in heads:
        said = verify_checkpoint(head.note, vkey_of(head))
        assert said["ok"]
        assert (said["origin"], said["tree_size"], said["root"]) == (
            head.origin,
            head.size,
            head.root,
        )
        assert not verify_checkpoint(
            head.note.replace(f"\n{head.size}\n", f"\n{head.size + 1}\n"), vkey_of(head)
        )["ok"]
