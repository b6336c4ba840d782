"""What devices ask for about external rooms."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from messaging.models import RequestKind, Room, RoomRequest
from orgs.models import Membership, Organisation
from semafore.kernel import clock
from semafore.kernel.clock import rfc3339
from semafore.local.client.api import ApiProblem
from tests import cast
from tests.cast import Phone, inside
from tests.messaging.externals import GIL, GUS, come, opened


@pytest.fixture
def room(alice: Membership, bob: Membership) -> Room:
    return opened(bob, alice)


def post(device: Phone, path: str, body: dict[str, Any]) -> Any:
    return device.api._send("POST", path, body)


def refused(act: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(ApiProblem) as caught:
        act()
    return caught.value.status, caught.value.code


def later(days: int = 20) -> str:
    return rfc3339(clock.now() + timedelta(days=days))


GUESTS = {"guests": [{"name": "Gil", "phone": GIL}], "reason": "An electrician"}


def test_an_extension_waits_for_its_approval(room: Room, bob_phone: Phone) -> None:
    body = {"closes_at": later(), "reason": "More to do"}
    answer = post(bob_phone, f"rooms/{room.id}/extension", body)

    assert (answer["kind"], answer["status"]) == ("extension", "pending")
    assert (answer["room_id"], answer["closes_at"]) == (str(room.id), body["closes_at"])
    assert refused(lambda: post(bob_phone, f"rooms/{room.id}/extension", body)) == (
        409,
        "room_request_pending",
    )


def test_guests_are_asked_for_by_name_or_as_guests_already(
    acme: Organisation, alice: Membership, room: Room, bob_phone: Phone
) -> None:
    gus = come(alice, acme)
    body = {
        "guests": [*GUESTS["guests"], {"membership_id": str(gus.device.membership_id)}],
        "reason": "Both",
    }
    answer = post(bob_phone, f"rooms/{room.id}/guests", body)
    with inside(acme):
        request = RoomRequest.objects.get(id=answer["request_id"])
        names = sorted(request.guests.values_list("name", flat=True))
    assert (request.kind, names) == (RequestKind.GUESTS, ["Gil", "Gus"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"guests": []},
        {"guests": [{"name": "Gil"}]},
        {"guests": [{"name": "Gil", "phone": GIL, "membership_id": str(uuid4())}]},
        {"guests": [{"name": "Gil", "phone": GIL, "age": 4}]},
        {"guests": [{"name": "Gil", "phone": "1"}]},
        {"guests": [{"phone": GIL}]},
        {"guests": [{"name": "Gil", "phone": GIL, "email": "no"}]},
        {"reason": ""},
        {"why": "x"},
    ],
)
def test_bodies_that_are_wrong_are_refused(
    acme: Organisation, room: Room, bob_phone: Phone, wrong: dict[str, Any]
) -> None:
    status, _ = refused(lambda: post(bob_phone, f"rooms/{room.id}/guests", GUESTS | wrong))
    assert status == 422
    with inside(acme):
        assert RoomRequest.objects.filter(kind=RequestKind.GUESTS).count() == 0


def test_who_is_not_in_the_room_finds_none(
    acme: Organisation, alice: Membership, room: Room, charlie_phone: Phone
) -> None:
    eves = cast.phone(cast.member(acme, "Eve"))
    for device in (eves, charlie_phone):
        for path, body in (
            ("guests", GUESTS),
            ("extension", {"closes_at": later(), "reason": "x"}),
        ):
            there = refused(lambda: post(device, f"rooms/{room.id}/{path}", body))  # noqa: B023
            nowhere = refused(lambda: post(device, f"rooms/{uuid4()}/{path}", body))  # noqa: B023
            assert there == nowhere == (404, "not_found")
    gus = come(alice, acme)
    assert refused(lambda: post(gus, f"rooms/{room.id}/guests", GUESTS))[0] == 403


def external(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "external",
        "name": "Boiler 4",
        "purpose": "Repair",
        "party": "Initech",
        "closes_at": later(10),
        "guests": [{"name": "Gus", "phone": GUS}],
        **changes,
    }


def test_a_room_is_asked_for(acme: Organisation, alice: Membership, bob_phone: Phone) -> None:
    answer = post(bob_phone, "rooms", external(members=[str(alice.id)]))

    assert (answer["kind"], answer["status"]) == ("external", "requested")
    with inside(acme):
        request = RoomRequest.objects.get(room_id=answer["id"])
        assert request.members.count() == 1
    assert refused(lambda: post(bob_phone, "rooms", external(kind="secret")))[0] == 422
    assert refused(lambda: post(bob_phone, "rooms", external(guests=[])))[0] == 422
