"""Who may claim of whom, with guests on either side (product.md, section 2, Who may claim)."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging.models import Room, RoomMembership, RoomStatus
from messaging.services.periods import close, end_periods
from orgs.models import Membership, Organisation
from semafore.kernel import clock
from semafore.local.client.api import ApiProblem
from tests.cast import Phone, inside, phone
from tests.messaging.calls import external, guest, refused


@pytest.fixture
def gus(acme: Organisation, alice: Membership) -> Membership:
    """A guest, in no room yet."""
    return guest(acme, alice)


@pytest.fixture
def gus_phone(gus: Membership) -> Phone:
    """Gus' approved device."""
    return phone(gus)


@pytest.fixture
def repairs(acme: Organisation, alice: Membership, gus: Membership) -> Room:
    """Alice and Gus in an external room."""
    return external(acme, alice, gus)


def reaches(claimant: Phone, target: Phone) -> bool:
    """By a single claim; a bulk claim must say the same."""
    (bulk,) = claimant.api.claim_many([target.id])
    try:
        claimant.api.claim(target.id)
    except ApiProblem as problem:
        assert (problem.status, problem.code) == (404, "not_found")
        assert bulk["error"]["code"] == "not_found"
        return False
    assert bulk["bundle"]["device_id"] == str(target.id)
    return True


def test_guests_and_the_people_of_their_rooms_reach_each_other(
    alice_phone: Phone, bob_phone: Phone, gus_phone: Phone, repairs: Room
) -> None:
    assert reaches(gus_phone, alice_phone)
    assert reaches(alice_phone, gus_phone)
    assert not reaches(gus_phone, bob_phone)
    assert not reaches(bob_phone, gus_phone)
    assert reaches(alice_phone, bob_phone)


def test_a_guest_without_rooms_reaches_itself_alone(
    gus: Membership, gus_phone: Phone, alice_phone: Phone
) -> None:
    assert reaches(gus_phone, phone(gus, name="Tablet"))
    assert not reaches(gus_phone, alice_phone)
    assert not reaches(alice_phone, gus_phone)


def test_guests_of_one_room_reach_each_other_and_of_two_rooms_do_not(
    acme: Organisation, alice: Membership, gus: Membership, gus_phone: Phone, repairs: Room
) -> None:
    hanna, ivo = guest(acme, alice, "Hanna"), guest(acme, alice, "Ivo")
    external(acme, alice, hanna, gus)
    external(acme, alice, ivo)
    hanna_phone, ivo_phone = phone(hanna), phone(ivo)
    assert reaches(gus_phone, hanna_phone)
    assert reaches(hanna_phone, gus_phone)
    assert not reaches(gus_phone, ivo_phone)
    assert not reaches(ivo_phone, gus_phone)


def test_reach_ends_with_the_time_in_the_room_with_the_room_and_with_its_end(
    acme: Organisation, alice_phone: Phone, gus: Membership, gus_phone: Phone, repairs: Room
) -> None:
    with clock.moved_by(timedelta(days=8)):
        assert not reaches(gus_phone, alice_phone)
        assert not reaches(alice_phone, gus_phone)
    with inside(acme):
        Room.objects.filter(id=repairs.id).update(status=RoomStatus.REQUESTED)
    assert not reaches(gus_phone, alice_phone)
    with inside(acme):
        Room.objects.filter(id=repairs.id).update(status=RoomStatus.ACTIVE)
        period = RoomMembership.objects.select_related("room", "membership").get(membership=gus)
        end_periods([period], reason="done")
    assert not reaches(gus_phone, alice_phone)
    assert not reaches(alice_phone, gus_phone)
    with inside(acme):
        external(acme, alice_phone.reload().membership, gus)
    assert reaches(gus_phone, alice_phone)
    with inside(acme):
        close(Room.objects.exclude(id=repairs.id).get(), reason="over")
    assert not reaches(gus_phone, alice_phone)


def test_a_retry_of_a_claim_is_refused_once_the_guest_is_out_of_reach(
    acme: Organisation, alice_phone: Phone, gus_phone: Phone, repairs: Room
) -> None:
    alice_phone.api.claim(gus_phone.id, idempotency_key="one")
    with inside(acme):
        close(repairs, reason="over")
    with refused(404, "not_found"):
        alice_phone.api.claim(gus_phone.id, idempotency_key="one")


def test_one_bulk_claim_may_reach_some_and_not_others(
    alice: Membership, alice_phone: Phone, bob_phone: Phone, gus_phone: Phone, repairs: Room
) -> None:
    stranger = phone(guest(alice.organisation, alice, "Stranger"))
    results = alice_phone.api.claim_many([bob_phone.id, stranger.id, gus_phone.id])
    assert ["bundle" in one for one in results] == [True, False, True]


def statements(claimant: Phone, *device_ids: UUID) -> int:
    claimant.api.token()
    with CaptureQueriesContext(connection) as queries:
        claimant.api.claim_many(device_ids)
    return len(queries)


def test_only_where_a_guest_is_involved_is_there_one_more_statement(
    acme: Organisation,
    alice: Membership,
    alice_phone: Phone,
    bob_phone: Phone,
    gus_phone: Phone,
) -> None:
    hanna = guest(acme, alice, "Hanna")
    hanna_phone = phone(hanna)
    external(acme, alice, hanna, gus_phone.reload().membership)
    among_members = statements(alice_phone, bob_phone.id)
    assert statements(alice_phone, gus_phone.id) == among_members + 1
    assert statements(alice_phone, gus_phone.id, hanna_phone.id, bob_phone.id) == among_members + 1
    assert statements(gus_phone, alice_phone.id) == among_members + 1


def test_a_guest_cannot_tell_a_hidden_device_from_none(
    bob_phone: Phone, charlie_phone: Phone, gus_phone: Phone, repairs: Room
) -> None:
    gus_phone.api.token()
    seen = []
    for device_id in (bob_phone.id, charlie_phone.id, uuid4()):
        with CaptureQueriesContext(connection) as queries, refused(404, "not_found") as problems:
            gus_phone.api.claim(device_id)
        body = {name: value for name, value in problems[0].body.items() if name != "request_id"}
        seen.append((body, len(queries)))
    assert seen[0] == seen[1] == seen[2]
