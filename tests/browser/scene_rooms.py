"""The rooms of the organisation that is looked at: weeks of talk, guests, requests, troubles."""

from datetime import timedelta

from invitations.models import Invitation, State
from keys.models import SignedPreKey
from messaging.models import Broadcast, Envelope, PushToken, Room, RoomMembership, RoomRequest
from messaging.services.admission import GuestDraft
from messaging.services.requests import request_guests
from orgs.models import MembershipKind
from semafore.kernel import clock
from semafore.kernel.ids import uuid7
from tests.browser.scene import LONG_NAME, Scene
from tests.cast import inside
from tests.messaging import externals, talk
from tests.messaging.pages import affairs
from tests.messaging.pages.affairs import ago

CALDER = "Calder Medical Supplies"
LONG_PARTY = "Tessellate Imaging (Holdings) Limited, Aberystwyth"
LONG_REASON = (
    "The scanners on the second floor fail again, and the engineers have to see the fault reports "
    "of both wards before they order the parts, which come by ship."
)


def add_rooms(scene: Scene) -> None:
    """Some weeks of talk at Northgate, and what waits for a decision."""
    scene.device("grace", "guest", "Grace's phone")
    _internal_rooms(scene)
    _external_rooms(scene)
    _requests(scene)
    _talk(scene)
    _broadcasts(scene)
    _troubles(scene)
    _guest_without_sponsor(scene)


def _internal_rooms(scene: Scene) -> None:
    of, people = scene.organisation, scene.people
    bob, wilhelmina = people["bob"], people["wilhelmina"]
    scene.rooms["ward"] = talk.group(of, scene.alice, bob, wilhelmina, name="Ward 7")
    scene.rooms["pair"] = affairs.direct(of, bob, wilhelmina)


def _external_rooms(scene: Scene) -> None:
    of, people = scene.organisation, scene.people
    bob, grace, company = people["bob"], people["guest"], affairs.party(of, CALDER)
    affairs.party(of, LONG_PARTY)
    recall = affairs.external(
        of,
        bob,
        scene.alice,
        grace,
        company=company,
        created_at=ago(days=30),
        closes_at=clock.now() + timedelta(days=3),
    )
    over = affairs.external(of, bob, grace, company=company, name=f"Handover to {LONG_NAME}")
    scene.rooms |= {"recall": recall, "over": over}
    affairs.close(of, over, scene.alice)
    with inside(of):
        RoomMembership.objects.create(
            organisation_id=of.id,
            room=recall,
            membership=people["ended"],
            added_by=bob,
            added_at=ago(days=20),
            ended_at=ago(days=6),
            ended_by=people["adam"],
            end_reason="Left for another trust.",
        )
        scene.rooms["thread"] = Room.objects.create(
            organisation_id=of.id,
            kind="external",
            name="Serial numbers",
            parent=recall,
            party=company,
            purpose="Only the serial numbers.",
            closes_at=recall.closes_at,
        )


def _requests(scene: Scene) -> None:
    """Of each kind one that waits; one of Alice's own; one granted, one denied."""
    of, people, recall = scene.organisation, scene.people, scene.rooms["recall"]
    bob, adam = people["bob"], people["adam"]
    piotr = GuestDraft(name="Piotr Zieliński", phone="+447700900601")
    mira = GuestDraft(name="Mira Castellanos", phone="+447700900602", email="mira@calder.example")
    tess = GuestDraft(name="Tess Okafor", phone="+447700900603")

    granted = affairs.request(of, recall, bob)
    affairs.decide(of, granted, adam, approved=True)
    guests = _ask_for_guests(scene, piotr, "Piotr knows the serial numbers.")
    externals.approved(adam, guests)
    _has_come(scene, piotr, "newcomer")
    externals.policy(of, external_room_approvers=2)
    scene.requests = {
        "granted": granted,
        "opening": externals.asked(
            bob,
            scene.alice,
            people["wilhelmina"],
            name="Bed planning",
            purpose=LONG_REASON,
            party=LONG_PARTY,
            guests=[tess, mira],
        ),
        "extension": externals.extension_of(bob, recall),
        "guests": _ask_for_guests(scene, mira, LONG_REASON),
        "own": externals.asked(
            scene.alice, name="Theatre rota", party=CALDER, guests=[tess], purpose="Plan the rota."
        ),
        "denied": affairs.request(of, scene.rooms["over"], bob),
    }
    affairs.decide(of, scene.requests["denied"], adam, approved=False)
    externals.policy(of, emergency_rooms=True, duty_approver=adam.id)
    scene.requests["confirmation"] = externals.emergency(
        adam,
        bob,
        name="Incident 41",
        purpose="Contain the breach at the supplier.",
        party=CALDER,
        guests=[GuestDraft(name="Uma Reyes", phone="+447700900604")],
    )
    externals.policy(of, external_room_approvers=1, duty_approver=scene.alice.id)
    scene.rooms["asked"] = scene.requests["opening"].room
    scene.rooms["incident"] = scene.requests["confirmation"].room


def _ask_for_guests(scene: Scene, one: GuestDraft, reason: str) -> RoomRequest:
    with scene.by("bob"):
        return request_guests(room_id=scene.rooms["recall"].id, guests=[one], reason=reason)


def _has_come(scene: Scene, guest: GuestDraft, key: str) -> None:
    """The guest is the person whose device waits already."""
    with inside(scene.organisation):
        Invitation.objects.filter(phone=guest.phone).update(
            membership=scene.people[key], state=State.AWAITING_APPROVAL
        )


def _talk(scene: Scene) -> None:
    of, devices, rooms = scene.organisation, scene.devices, scene.rooms
    alices, bobs, graces = devices["alice"], devices["bob"], devices["grace"]
    for number in range(25):
        at = ago(hours=13 * number + 1)
        affairs.message(of, bobs, room=rooms["recall"], to=(graces, alices), at=at)
        affairs.message(of, graces, room=rooms["recall"], to=(bobs,), at=at - timedelta(hours=3))
        for _ in range(number % 5):
            affairs.message(of, alices, room=rooms["ward"], at=at)
    affairs.screenshot(of, rooms["recall"], graces, taken_at=ago(hours=1))
    affairs.screenshot(of, rooms["pair"], bobs, reported_at=ago(days=2))


def _broadcasts(scene: Scene) -> None:
    of, devices = scene.organisation, scene.devices
    for finished, missed in ((clock.now(), 2), (None, None)):
        with inside(of):
            sent = Broadcast.objects.create(
                organisation_id=of.id,
                sender=scene.alice,
                sender_device=devices["alice"],
                finished_at=finished,
                not_reached=missed,
            )
        affairs.message(of, devices["alice"], broadcast=sent, to=(devices["bob"],), envelopes=3)


def _troubles(scene: Scene) -> None:
    of, devices = scene.organisation, scene.devices
    old = affairs.message(of, devices["alice"], room=scene.rooms["ward"], at=ago(days=28))
    with inside(of):
        SignedPreKey.objects.filter(device_id=devices["alice"].id).update(
            uploaded_at=ago(days=6, hours=20)
        )
        Envelope.objects.create(
            envelope_id=uuid7(),
            organisation_id=of.id,
            device=devices["tablet"],
            message=old,
            suite="x3dh-25519",
            type="message",
            ciphertext=bytes(8),
        )
        PushToken.objects.create(
            organisation_id=of.id,
            device=devices["tablet"],
            service="fcm",
            environment="production",
            token=b"",
            failures=4,
            failed_at=ago(hours=2),
            error="The push service answered 503 and asked to be left alone for an hour.",
        )


def _guest_without_sponsor(scene: Scene) -> None:
    """Whose sponsor is suspended since."""
    scene.person(
        "orphan",
        "Zoë Lindqvist",
        kind=MembershipKind.GUEST,
        party=affairs.party(scene.organisation, LONG_PARTY),
        sponsor=scene.people["suspended"],
        ends_at=clock.now() + timedelta(days=30),
    )
