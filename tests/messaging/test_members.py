"""`GET members`: whom a device may message, and nobody else."""

from datetime import timedelta
from typing import Any

import pytest

from keys.models import RevocationReason
from keys.services.enrolment import deny_device
from keys.services.revocation import revoke_device
from orgs.models import Membership, MembershipStatus, Organisation
from orgs.services.memberships import end_membership, suspend_membership
from semafore.kernel import clock
from semafore.local.client.wire import encode
from tests import cast
from tests.cast import Phone, inside, phone
from tests.messaging.calls import every, external, get, guest, refused


def seen(viewer: Phone) -> dict[str, int]:
    """Names, and how many devices each has."""
    return {one["name"]: len(one["devices"]) for one in every(viewer, "members")}


def test_members_see_all_active_members_with_their_approved_devices(
    acme: Organisation, bob: Membership, alice_phone: Phone, bob_phone: Phone, charlie_phone: Phone
) -> None:
    phone(bob, name="Pending", approved=False)
    denied, revoked = phone(bob, name="Denied", approved=False), phone(bob, name="Revoked")
    with inside(acme):
        deny_device(device_id=denied.id, reason="unknown")
        revoke_device(device_id=revoked.id, reason=RevocationReason.LOST)
    cast.member(acme, "Paula", status=MembershipStatus.PENDING)
    suspended, ended = cast.member(acme, "Sue"), cast.member(acme, "Ed")
    with inside(acme):
        suspend_membership(membership_id=suspended.id, reason="inquiry")
        end_membership(membership_id=ended.id, reason="left")

    assert seen(alice_phone) == {"Alice": 1, "Bob": 1}
    assert seen(charlie_phone) == {"Charlie": 1}
    (of_bob,) = (one for one in every(alice_phone, "members") if one["name"] == "Bob")
    assert of_bob == {
        "id": str(bob.id),
        "name": "Bob",
        "kind": "member",
        "unit": "",
        "party": None,
        "devices": [
            {
                "id": str(bob_phone.id),
                "membership_id": str(bob.id),
                "registration_id": bob_phone.device.registration_id,
                "identity_key": encode(bob_phone.keys.identity_key),
                "endorsement": None,
            }
        ],
    }


def test_guests_are_seen_in_their_rooms_alone_and_see_nobody_else(
    acme: Organisation, alice: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    gus, hanna, ivo = (guest(acme, alice, name) for name in ("Gus", "Hanna", "Ivo"))
    gus_phone, hanna_phone = phone(gus), phone(hanna)
    external(acme, alice, gus, hanna)

    assert seen(alice_phone) == {"Alice": 1, "Bob": 1, "Gus": 1, "Hanna": 1}
    assert seen(bob_phone) == {"Alice": 1, "Bob": 1}
    assert seen(gus_phone) == {"Alice": 1, "Gus": 1, "Hanna": 1}
    assert seen(phone(ivo)) == {"Ivo": 1}
    assert seen(hanna_phone) == seen(gus_phone)
    (shown,) = (one for one in every(alice_phone, "members") if one["name"] == "Gus")
    assert shown["kind"] == "guest"
    assert shown["party"].startswith("Gus Ltd")
    with clock.moved_by(timedelta(days=8)):
        assert seen(gus_phone) == {"Gus": 1}
        assert seen(alice_phone) == {"Alice": 1, "Bob": 1}


def test_who_is_past_their_end_is_not_seen(
    acme: Organisation, alice: Membership, alice_phone: Phone
) -> None:
    gus = guest(acme, alice)
    external(acme, alice, gus)
    with inside(acme):
        Membership.objects.filter(id=gus.id).update(ends_at=clock.now() + timedelta(hours=1))
    assert seen(alice_phone).keys() == {"Alice", "Gus"}
    with clock.moved_by(timedelta(hours=2)):
        assert seen(alice_phone).keys() == {"Alice"}


def test_an_endorsement_counts_while_the_device_that_gave_it_does(
    acme: Organisation, alice: Membership, bob_phone: Phone, alice_phone: Phone
) -> None:
    tablet = phone(alice, name="Tablet")
    with inside(acme):
        tablet.device.endorser = alice_phone.device
        tablet.device.endorsement_signature = bytes(64)
        tablet.device.save(update_fields=["endorser", "endorsement_signature"])

    def shown() -> Any:
        (person,) = (one for one in every(bob_phone, "members") if one["name"] == "Alice")
        return {one["id"]: one["endorsement"] for one in person["devices"]}[str(tablet.id)]

    assert shown() == {"device_id": str(alice_phone.id), "signature": encode(bytes(64))}
    with inside(acme):
        revoke_device(device_id=alice_phone.id, reason=RevocationReason.LOST)
    assert shown() is None


def test_members_are_paged(acme: Organisation, alice_phone: Phone, bob_phone: Phone) -> None:
    cast.crowd(acme, 5)
    found = every(alice_phone, "members", limit=2)
    assert len({one["id"] for one in found}) == len(found) == 7


@pytest.mark.parametrize("query", ["limit=0", "name=Bob", "cursor="])
def test_what_is_asked_for_is_checked(alice_phone: Phone, query: str) -> None:
    with refused(422, "invalid"):
        get(alice_phone, f"members?{query}")
