"""The signer signs what goes on from what it signed, and nothing else (audit-log.md)."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from nacl.signing import SigningKey
from pytest_django import Settings

from audit.log_process import LogProcess
from audit.logs import PLATFORM_LOG, Log, log_of
from audit.models import AnnouncedKey, Checkpoint, Event, Head
from audit.notes import Signer, sign_note
from audit.selectors.checkpoints import latest_checkpoint
from audit.selectors.log_keys import checkpoint_vkeys, current_checkpoint_vkeys
from audit.selectors.tree import tree_head
from audit.services.checkpoints import publish_checkpoint, sign_head
from audit.services.sequencer import sequence
from audit.services.signer import Refusal, RefusedError, check, sign
from audit.state import SignerState
from audit.verifier import VerificationError, open_checkpoint, open_note
from orgs.models import Organisation
from tests import cast
from tests.audit.test_notes import VKEY
from tests.cast import inside

ROOT7 = "98c97f0ba3175cd08b031dd084b9dc4e649b64d1a28e6ea694646503173ab587"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SignerState]:
    with SignerState(tmp_path / "log") as opened:
        yield opened


@pytest.fixture
def log(acme: Organisation) -> Log:
    return log_of(acme.id)


def drain(state: SignerState) -> bool:
    return LogProcess(state).drain()


def refusal(log: Log, state: SignerState) -> Refusal:
    with pytest.raises(RefusedError) as caught:
        check(log, tree_head(log), state)
    return caught.value.refusal


def test_the_worked_example() -> None:
    signer = Signer("log.example.org/o/acme", SigningKey(bytes(range(32))))
    root = base64.b64encode(bytes.fromhex(ROOT7)).decode()

    note = sign_note([signer], signer.name, "7", root)

    assert signer.vkey == VKEY
    assert note.startswith(f"log.example.org/o/acme\n7\n{root}\n\n\u2014 log.example.org/o/acme ")
    assert open_checkpoint(note, [VKEY]) == (signer.name, 7, bytes.fromhex(ROOT7))


def test_a_checkpoint_says_origin_size_and_root(log: Log, state: SignerState) -> None:
    assert drain(state)

    signed, head = latest_checkpoint(log), tree_head(log)
    assert signed is not None
    origin = f"127.0.0.1:8000/log/{log.log_id}"
    assert open_checkpoint(signed.note, checkpoint_vkeys(log)) == (origin, head.size, head.root)
    last = state.last(log.log_id)
    assert last is not None
    assert last.published
    assert last.head == signed


def test_a_key_is_announced_before_it_signs(
    acme: Organisation, log: Log, state: SignerState
) -> None:
    drain(state)

    with inside(acme):
        (announced,) = AnnouncedKey.objects.filter(purpose="checkpoints")
        entry = connection.cursor()
        entry.execute("SELECT seq FROM audit_entry WHERE event_id = %s", [announced.event_id])
        assert entry.fetchone() == (0,)
        entry.close()
    assert announced.vkey in checkpoint_vkeys(log)


def test_keys_are_changed_with_an_overlap(
    acme: Organisation, log: Log, state: SignerState, settings: Settings
) -> None:
    old, new = settings.CHECKPOINT_KEYS[0], bytes(range(32))
    drain(state)
    (first,) = checkpoint_vkeys(log)

    settings.CHECKPOINT_KEYS = [new, old]
    drain(state)
    signed = latest_checkpoint(log)
    assert signed is not None
    second = checkpoint_vkeys(log)[-1]
    assert second != first
    assert set(open_note(signed.note, [first, second]).signed_by) == {first, second}

    settings.CHECKPOINT_KEYS = [new]
    drain(state)
    signed = latest_checkpoint(log)
    assert signed is not None
    with pytest.raises(VerificationError):
        open_note(signed.note, [first])
    assert open_note(signed.note, [second])
    assert checkpoint_vkeys(log) == [first, second]
    assert current_checkpoint_vkeys(log) == [second]
    with inside(acme):
        retired = AnnouncedKey.objects.get(vkey=first).retired_at
        assert retired is not None
        said = [bytes(event.what or b"") for event in Event.objects.all()]
    assert len([what for what in said if b"key_retired" in what]) == 1


def test_no_key_in_production_is_an_error_that_says_what_to_do(settings: Settings) -> None:
    settings.CHECKPOINT_KEYS = []

    with pytest.raises(ImproperlyConfigured, match=r"CHECKPOINT_KEYS.*openssl rand -base64 32"):
        sign_head(PLATFORM_LOG, tree_head(PLATFORM_LOG))


def test_a_note_that_was_not_published_is_published_by_the_next(
    log: Log, acme: Organisation, state: SignerState
) -> None:
    drain(state)
    cast.member(acme, "Alice")
    sequence(log)
    signed = sign_head(log, tree_head(log))
    state.remember(log.log_id, signed)

    drain(state)

    with inside(acme):
        assert Checkpoint.objects.get(size=signed.size).note == signed.note
    last = state.last(log.log_id)
    assert last is not None
    assert last.published


def test_without_its_file_it_signs_nothing(
    log: Log, acme: Organisation, state: SignerState, tmp_path: Path
) -> None:
    drain(state)
    size = tree_head(log).size
    cast.member(acme, "Alice")

    with SignerState(tmp_path / "other") as other:
        assert not drain(other)
        assert refusal(log, other) == Refusal.STATE_MISSING

    assert tree_head(log).size == size
    assert halted(acme) == "state_missing"
    assert [what["data"] for what in cast.events(acme, "log.halted")] == [
        {"reason": "state_missing"}
    ]


def halted(of: Organisation) -> str:
    with inside(of):
        head = Head.objects.get()
    assert (head.halted_at is None) == (not head.halted_reason)
    return head.halted_reason


def test_a_halt_is_told_once_and_ends_with_the_next_checkpoint(
    log: Log, acme: Organisation, state: SignerState, tmp_path: Path
) -> None:
    drain(state)
    with SignerState(tmp_path / "other") as other:
        for _ in range(3):
            drain(other)
    assert len(cast.events(acme, "log.halted")) == 1

    assert drain(state)

    assert halted(acme) == ""
    assert cast.events(acme) == []


def test_a_file_from_a_backup_is_noticed(log: Log, acme: Organisation, state: SignerState) -> None:
    drain(state)
    before = state.last(log.log_id)
    assert before is not None
    cast.member(acme, "Alice")
    drain(state)

    state.remember(log.log_id, before.head, published=True)

    assert refusal(log, state) == Refusal.STATE_BEHIND


def test_a_signature_that_the_database_lost_is_noticed(log: Log, state: SignerState) -> None:
    drain(state)
    head = tree_head(log)
    ahead = sign_head(log, type(head)(head.size + 1, head.root, 1))

    state.remember(log.log_id, ahead)

    assert refusal(log, state) == Refusal.DATABASE_BEHIND


def test_another_tree_is_a_fork(log: Log, acme: Organisation, state: SignerState) -> None:
    drain(state)
    head = tree_head(log)
    state.remember(log.log_id, sign_head(log, type(head)(head.size, b"x" * 32, 1)))
    cast.member(acme, "Alice")

    assert refusal(log, state) == Refusal.FORK
    assert not drain(state)
    assert tree_head(log).size == head.size


def test_a_head_that_does_not_go_on_from_the_tiles_is_a_fork(
    log: Log, acme: Organisation, state: SignerState
) -> None:
    drain(state)
    cast.member(acme, "Alice")
    sequence(log)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_head SET root = %s", [b"x" * 32])

    with pytest.raises(RefusedError) as caught:
        sign(log, state)

    assert caught.value.refusal == Refusal.FORK


def test_one_logs_trouble_stops_no_other(
    acme: Organisation, globex: Organisation, state: SignerState
) -> None:
    acmes = log_of(acme.id)
    head = tree_head(acmes)
    publish_checkpoint(acmes, sign_head(acmes, type(head)(1, b"x" * 32, 1)))

    assert not drain(state)

    assert halted(acme) == "state_missing"
    assert halted(globex) == ""
    assert latest_checkpoint(log_of(globex.id)) is not None
