"""`POST log/seen`: what a device shows is this log's, or raises an alarm once."""

from typing import Any

import pytest
from nacl.signing import SigningKey

from audit.models import AnnouncedKey
from audit.notes import Signer, sign_note
from audit.selectors.checkpoints import SignedHead
from keys.models import RevocationReason, SplitView
from keys.services.revocation import revoke_device
from orgs.models import Membership, Organisation
from semafore.kernel import clock
from semafore.local.client.wire import encode
from tests import cast
from tests.at_once import at_once
from tests.cast import Phone, inside
from tests.keys.logs import published, restored, signed
from tests.keys.test_bundles import refused
from tests.messaging.calls import guest

CONSISTENT = {"consistent": True, "lost": False}
SPLIT = {"consistent": False, "lost": False}
LOST = {"consistent": False, "lost": True}
ANOTHER_ROOT = bytes(range(32))


def alarms(of: Organisation) -> list[dict[str, Any]]:
    """Reported split views, oldest first."""
    return [one["data"] for one in cast.events(of, "log.split_view_reported")]


@pytest.fixture
def first(acme: Organisation, bob_phone: Phone) -> SignedHead:
    """Acme's first checkpoint."""
    return published(acme)


def test_every_published_checkpoint_is_consistent(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone, first: SignedHead
) -> None:
    alice_phone.api.claim(bob_phone.id)
    second = published(acme)

    assert bob_phone.api.log_seen(first.note) == CONSISTENT
    assert bob_phone.api.log_seen(second.note) == CONSISTENT
    assert alarms(acme) == []


def test_another_root_signed_by_our_key_is_an_alarm_once(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone, first: SignedHead
) -> None:
    note = signed(acme, first.size, ANOTHER_ROOT)

    for phone in (bob_phone, alice_phone, bob_phone):
        assert phone.api.log_seen(note) == SPLIT
    # A line of somebody else's under it makes it no other view.
    witness = Signer("witness.example.org", SigningKey(bytes(32)))
    text = note.partition("\n\n")[0] + "\n"
    assert bob_phone.api.log_seen(note + witness.line(text)) == SPLIT

    assert alarms(acme) == [
        {
            "origin": first.origin,
            "size": first.size,
            "root": encode(ANOTHER_ROOT),
            "expected_root": encode(first.root),
            "note": note,
        }
    ]
    assert bob_phone.api.log_seen(signed(acme, first.size - 1, ANOTHER_ROOT)) == SPLIT
    assert len(alarms(acme)) == 2


def test_what_goes_beyond_the_newest_checkpoint_is_an_alarm(
    acme: Organisation, bob_phone: Phone, first: SignedHead
) -> None:
    assert bob_phone.api.log_seen(signed(acme, first.size + 1, first.root)) == SPLIT
    (alarm,) = alarms(acme)
    assert (alarm["size"], alarm["expected_root"]) == (first.size + 1, None)


def test_an_origin_that_there_never_was_is_an_alarm(
    acme: Organisation, bob_phone: Phone, first: SignedHead
) -> None:
    assert bob_phone.api.log_seen(signed(acme, first.size, first.root, number=2)) == SPLIT
    assert [alarm["origin"] for alarm in alarms(acme)] == [f"{first.origin}/2"]


def altered(note: str, old: str, new: str) -> str:
    assert old in note
    return note.replace(old, new, 1)


def test_what_no_key_of_the_log_signed_is_refused_and_no_alarm(
    acme: Organisation, globex: Organisation, bob_phone: Phone, first: SignedHead
) -> None:
    thief = Signer(first.origin, SigningKey(bytes(32)))
    others = [
        "nonsense",
        first.note + "\n",
        first.note[:-1],
        altered(first.note, f"\n{first.size}\n", f"\n{first.size + 1}\n"),
        altered(first.note, f"\n{first.size}\n", f"\n0{first.size}\n"),
        sign_note([thief], first.origin, str(first.size), encode(ANOTHER_ROOT)),
        published(globex).note,
        signed(globex, first.size, ANOTHER_ROOT),
        altered(first.note, first.origin, f"{first.origin}/1"),
        altered(first.note, first.origin, f"{first.origin}/02"),
    ]
    for note in others:
        with refused(422, "checkpoint_invalid"):
            bob_phone.api.log_seen(note)
    for body in ("", "x" * 9000):
        with refused(422, "invalid"):
            bob_phone.api.log_seen(body)
    assert alarms(acme) == alarms(globex) == []


def test_a_retired_key_still_accuses(
    acme: Organisation, bob_phone: Phone, first: SignedHead
) -> None:
    with inside(acme):
        AnnouncedKey.objects.filter(purpose="checkpoints").update(retired_at=clock.now())
    assert bob_phone.api.log_seen(signed(acme, first.size, ANOTHER_ROOT)) == SPLIT


def test_what_a_restore_lost_is_no_alarm_where_the_log_says_so(
    acme: Organisation, bob_phone: Phone, first: SignedHead
) -> None:
    kept = published(acme).size
    newest = restored(acme, lost=2, root=ANOTHER_ROOT)

    seen = bob_phone.api.log_seen
    assert newest.origin == f"{first.origin}/2"
    assert newest.size >= kept + 3
    assert seen(first.note) == seen(newest.note) == CONSISTENT
    assert seen(signed(acme, kept + 1, bytes(32))) == LOST
    assert seen(signed(acme, kept + 2, ANOTHER_ROOT)) == LOST
    assert alarms(acme) == []
    # Neither another last checkpoint than the declared one, nor anything beyond it, was ever ours;
    # what was kept is compared as before.
    assert seen(signed(acme, kept + 2, bytes(32))) == SPLIT
    assert seen(signed(acme, kept + 3, ANOTHER_ROOT)) == SPLIT
    assert seen(signed(acme, kept, ANOTHER_ROOT)) == SPLIT
    assert seen(signed(acme, newest.size, newest.root, number=3)) == SPLIT
    assert len(alarms(acme)) == 4


def test_two_who_report_at_once_raise_one_alarm(committed: None) -> None:
    acme = cast.organisation("Acme")
    phones = [cast.phone(cast.member(acme, f"Person {count}")) for count in range(4)]
    note = signed(acme, published(acme).size, ANOTHER_ROOT)
    for phone in phones:
        phone.api.token()

    answers = at_once(*[lambda phone=phone: phone.api.log_seen(note) for phone in phones])

    assert answers == [SPLIT] * 4
    assert len(alarms(acme)) == 1
    with inside(acme):
        assert SplitView.objects.count() == 1


def test_another_organisation_has_no_part_in_it(
    globex: Organisation, charlie_phone: Phone, first: SignedHead, acme: Organisation
) -> None:
    published(globex)
    with refused(422, "checkpoint_invalid"):
        charlie_phone.api.log_seen(signed(acme, first.size, ANOTHER_ROOT))
    assert alarms(acme) == alarms(globex) == []


def test_guests_may_show_what_they_saw_and_revoked_devices_may_not(
    acme: Organisation, alice: Membership, first: SignedHead
) -> None:
    gus_phone = cast.phone(guest(acme, alice))
    assert gus_phone.api.log_seen(first.note) == CONSISTENT
    with inside(acme):
        revoke_device(device_id=gus_phone.id, reason=RevocationReason.LOST)
    with refused(403, "access_revoked"):
        gus_phone.api.log_seen(signed(acme, first.size, ANOTHER_ROOT))
    assert alarms(acme) == []


def test_a_device_is_heard_thirty_times_a_minute(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone, first: SignedHead
) -> None:
    """And the minute may change once meanwhile."""

    def show_again_and_again() -> None:
        for _ in range(61):
            bob_phone.api.log_seen(first.note)

    for _ in range(30):
        bob_phone.api.log_seen(first.note)
    with refused(429, "throttled"):
        show_again_and_again()
    assert alice_phone.api.log_seen(first.note) == CONSISTENT
