"""The pages of rooms and of what happens in them, opened and looked at."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from keys.models import SignedPreKey
from messaging.models import Broadcast, Envelope, PushToken, Room, RoomMembership, RoomStatus
from semafore.kernel import clock
from semafore.kernel.ids import uuid7
from tests.browser.browsers import BrowserAs, seen
from tests.browser.scene import LONG_NAME, Scene
from tests.cast import inside
from tests.messaging import talk
from tests.messaging.pages import affairs
from tests.messaging.pages.affairs import ago

Rooms = dict[str, Room]


@pytest.fixture
def rooms(scene: Scene) -> Rooms:
    """Some weeks of talk at Northgate."""
    of, people, devices = scene.organisation, scene.people, scene.devices
    bob, alice, grace = people["bob"], people["alice"], people["guest"]
    calder = affairs.party(of, "Calder Medical Supplies")
    affairs.party(of, "Tessellate Imaging (Holdings) Limited, Aberystwyth")
    graces = scene.device("grace", "guest", "Grace's phone")
    made = {
        "ward": talk.group(of, alice, bob, people["wilhelmina"], name="Ward 7"),
        "pair": affairs.direct(of, bob, people["wilhelmina"]),
        "recall": affairs.external(
            of,
            bob,
            alice,
            grace,
            company=calder,
            created_at=ago(days=30),
            closes_at=clock.now() + timedelta(days=3),
        ),
        "over": affairs.external(of, bob, grace, company=calder, name=f"Handover to {LONG_NAME}"),
        "incident": affairs.external(
            of, alice, grace, company=calder, name="Incident 41", emergency=True
        ),
        "asked": affairs.external(
            of, alice, company=calder, name="Bed planning", status=RoomStatus.REQUESTED
        ),
    }
    recall = made["recall"]
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
        Room.objects.create(
            organisation_id=of.id,
            kind="external",
            name="Serial numbers",
            parent=recall,
            party=calder,
            purpose="Only the serial numbers.",
            closes_at=recall.closes_at,
        )
    for number in range(40):
        at = ago(hours=9 * number + 1)
        affairs.message(of, devices["bob"], room=recall, to=(graces, devices["alice"]), at=at)
        affairs.message(of, graces, room=recall, to=(devices["bob"],), at=at - timedelta(hours=3))
        for _ in range(number % 7):
            affairs.message(of, devices["alice"], room=made["ward"], at=at)
    granted = affairs.request(of, recall, bob)
    affairs.decide(of, granted, people["adam"], approved=True)
    affairs.request(of, recall, bob, approvals_needed=2)
    affairs.screenshot(of, recall, graces, taken_at=ago(hours=1))
    affairs.screenshot(of, made["pair"], devices["bob"], reported_at=ago(days=2))
    affairs.close(of, made["over"], alice)
    _broadcasts(scene)
    _troubles(scene, made["ward"])
    return made


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


def _troubles(scene: Scene, room: Room) -> None:
    of, devices = scene.organisation, scene.devices
    old = affairs.message(of, devices["alice"], room=room, at=ago(days=28))
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


VISITS: list[tuple[str, str, dict[str, str]]] = [
    ("rooms", "", {}),
    ("rooms", "", {"kind": "external", "ends_within": "7"}),
    ("rooms", "", {"text": "nothing"}),
    ("room", "recall", {}),
    ("room", "recall", {"kind": "people"}),
    ("room", "ward", {}),
    ("room", "pair", {}),
    ("room", "over", {}),
    ("room", "incident", {}),
    ("room", "asked", {}),
    ("room_people", "recall", {}),
    ("room_people", "recall", {"tab": "former"}),
    ("parties", "", {}),
    ("broadcasts", "", {}),
    ("screenshots", "", {}),
    ("reachability", "", {}),
    ("reachability", "", {"tab": "keys"}),
    ("reachability", "", {"tab": "pushes"}),
    ("reachability", "", {"tab": "mail"}),
    ("search", "", {"q": "recall"}),
]


@pytest.mark.timeout(400)
def test_pages_of_rooms(scene: Scene, rooms: Rooms, browser_as: BrowserAs) -> None:
    page = browser_as(scene.alice)

    def visit(name: str, args: list[Any], suffix: str = "", **query: str) -> None:
        page.goto(reverse(name, args=[scene.organisation.slug, *args], query=query or None))
        seen(page, name, suffix)

    for name, about, query in VISITS:
        suffix = "-".join(["", *([about] if about else []), *query.values()])
        visit(name, [rooms[about].id] if about else [], suffix, **query)
    visit("overview", [], "-rooms")
    visit("party", [rooms["recall"].party_id])
    visit("member", [scene.people["bob"].id], "-rooms")
    visit("leaver", [scene.people["bob"].id], "-rooms")


def test_the_rooms_of_an_empty_organisation(scene: Scene, browser_as: BrowserAs) -> None:
    page = browser_as(scene.alice)
    for name in ("rooms", "broadcasts", "screenshots", "overview"):
        page.goto(reverse(name, args=[scene.organisation.slug]))
        seen(page, name, "-nothing-yet")


def test_a_timeline_is_walked_without_scripts(
    scene: Scene, rooms: Rooms, browser_as: BrowserAs
) -> None:
    page = browser_as(scene.people["hana"], scripts=False)
    page.goto(reverse("room", args=[scene.organisation.slug, rooms["recall"].id]))
    first = page.locator(".timeline li").count()
    page.get_by_role("link", name="Next page").click()
    assert page.locator(".timeline li").count() == first == 50
    page.get_by_role("link", name="Who came and went").click()
    assert page.locator(".timeline li").count() == 5
