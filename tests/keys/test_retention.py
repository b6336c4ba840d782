"""What goes of devices that have ended, and which events are of somebody's device."""

from datetime import timedelta

from django.db import connection

from audit.models import IndexedEvent
from audit.selectors.waiting import logs_that_wait
from audit.services.sequencer import sequence
from keys.models import Device, RevocationReason
from keys.services.enrolment import deny_device
from keys.services.revocation import revoke_device
from orgs.models import Membership, Organisation
from semafore.kernel import clock
from tests import cast
from tests.cast import Phone, inside
from tests.retention import (
    LATER,
    MUCH_LATER,
    concerned,
    counted,
    foretold,
    hold,
    plans,
    swept,
)


def ended(of: Organisation, phone: Phone) -> None:
    with inside(of):
        Device.objects.filter(id=phone.id).update(last_seen_on=clock.now().date())
        revoke_device(device_id=phone.id, reason=RevocationReason.LOST)


def denied(of: Organisation, person: Membership) -> Phone:
    phone = cast.phone(person, name="Bob's tablet", approved=False)
    with inside(of):
        deny_device(device_id=phone.id, reason="That is not Bob's")
    return phone


def test_an_ended_device_loses_its_name_and_a_live_one_keeps_it(
    acme: Organisation, bob: Membership, bob_phone: Phone
) -> None:
    laptop = cast.phone(bob, name="Laptop")
    ended(acme, bob_phone)
    tablet = denied(acme, bob)
    with clock.moved_by(LATER - timedelta(days=2)):
        assert foretold(acme) == {}
    with clock.moved_by(LATER):
        versions = {one.id: one.reload().version for one in (bob_phone, tablet)}
        assert foretold(acme, batch=1) == {"device_names": 2}
        for one in (bob_phone, tablet):
            row = one.reload()
            assert (row.name, row.last_seen_on) == ("", None)
            assert row.version == versions[one.id], "no news for the feed of changes"
        assert laptop.reload().name == "Laptop"
        assert tablet.reload().denial_reason == "That is not Bob's"


def test_the_reason_of_a_denial_goes_with_the_audit_period(
    acme: Organisation, bob: Membership
) -> None:
    tablet = denied(acme, bob)
    with clock.moved_by(MUCH_LATER):
        assert foretold(acme) == {"device_names": 1, "device_denial_reasons": 1}
        assert tablet.reload().denial_reason == ""


def test_a_hold_on_the_person_keeps_it(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    start = clock.now()
    ended(acme, bob_phone)
    denied(acme, bob)
    end = clock.now()
    hour = timedelta(hours=1)
    with clock.moved_by(MUCH_LATER):
        assert counted(acme, hold(bob)) == {}
        assert counted(acme, hold(bob, from_at=start)) == {}
        assert counted(acme, hold(bob, until_at=end)) == {}
        assert counted(acme, hold(bob, from_at=end + hour))["device_names"] == 2
        assert counted(acme, hold(bob, until_at=start - hour))["device_names"] == 2
        assert foretold(acme, hold(alice)) == {"device_names": 2, "device_denial_reasons": 1}


def test_ended_devices_are_told(
    acme: Organisation, globex: Organisation, bob: Membership, bob_phone: Phone
) -> None:
    cast.phone(bob, name="Laptop")
    ended(acme, bob_phone)
    tablet = denied(acme, bob)
    with clock.moved_by(LATER):
        assert swept(acme, None).ended_devices == set()
    with clock.moved_by(MUCH_LATER):
        for batch in (None, 10):
            assert swept(acme, batch).ended_devices == {bob_phone.id, tablet.id}
        assert swept(globex, None).ended_devices == set()


def test_a_renamed_device_is_news_still(acme: Organisation, bob_phone: Phone) -> None:
    before = bob_phone.reload().version
    with inside(acme):
        Device.objects.filter(id=bob_phone.id).update(name="Bob's phone")
    assert bob_phone.reload().version > before


def test_work_is_found_by_indexes(acme: Organisation, bob_phone: Phone) -> None:
    found = "\n".join(plans(acme).values())
    for index in ("device_to_forget", "device_reasoned"):
        assert index in found
    with inside(acme), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM keys_device WHERE organisation_id = %s AND status IN"
            " ('denied', 'revoked') AND COALESCE(revoked_at, decided_at) < now()"
            " ORDER BY organisation_id, COALESCE(revoked_at, decided_at)",
            [acme.id],
        )
        assert "device_by_end" in "\n".join(row[0] for row in cursor.fetchall())


def test_events_of_devices_concern_their_owners(
    acme: Organisation, globex: Organisation, alice: Membership, bob: Membership
) -> None:
    phones = {person: cast.phone(person) for person in (alice, bob)}
    phones[bob].api.rotate(phones[bob].keys.rotate_signed_pre_key().to_public_json())
    for log in logs_that_wait():
        sequence(log)
    with inside(acme):
        rows = list(IndexedEvent.objects.values_list("event_id", "type", "target_id", "actor_id"))
    ids = [event_id for event_id, *_ in rows]

    for person, phone in phones.items():
        own = {row[0] for row in rows if phone.id in row[2:]}
        assert own
        assert concerned(acme, ids, person) == own
    assert concerned(acme, ids, alice, bob) >= {row[0] for row in rows if row[1][:3] == "key"}
    assert concerned(globex, ids, alice, bob) == set()
