"""External rooms of the cast: asked for, approved, with guests who really come in by phone."""

from datetime import timedelta
from typing import Any

from invitations.models import Invitation, State
from keys.models import Device
from messaging.models import Room, RoomMembership, RoomRequest
from messaging.services import external, requests
from messaging.services.admission import GuestDraft
from orgs.models import Membership, Organisation, Policy
from orgs.services.organisations import PolicyChange, change_policy
from semafore.kernel import clock
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.keys import DeviceKeys
from tests.cast import Phone, inside
from tests.invitations.onboarding import acts
from tests.invitations.onboarding.acts import acting

GUS, GIL = "+447700901101", "+447700901102"
DAYS_10 = timedelta(days=10)
HOUR = timedelta(hours=1)


def guest(name: str = "Gus", phone: str = GUS, **more: Any) -> GuestDraft:
    return GuestDraft(name=name, phone=phone, **more)


def asked(by: Membership, *members: Membership, **terms: Any) -> RoomRequest:
    """A request of Initech's Gus for ten days, unless it says otherwise."""
    wanted: dict[str, Any] = {
        "name": "Boiler 3",
        "purpose": "Repair of the boiler",
        "party": "Initech",
        "closes_at": clock.now() + DAYS_10,
        "member_ids": [one.id for one in members],
        "guests": [guest()],
        **terms,
    }
    with acting(by):
        return external.request_room(**wanted)


def emergency(by: Membership, *members: Membership, **terms: Any) -> RoomRequest:
    """The same, opened at once by the duty approver."""
    wanted: dict[str, Any] = {
        "name": "Breach",
        "purpose": "Contain the breach",
        "party": "Initech",
        "closes_at": clock.now() + timedelta(days=3),
        "member_ids": [one.id for one in members],
        "guests": [guest()],
        **terms,
    }
    with acting(by):
        return external.open_emergency_room(**wanted)


def approved(by: Membership, request: RoomRequest) -> RoomRequest:
    with acting(by):
        return requests.approve_request(request_id=request.id)


def opened(asker: Membership, approver: Membership, *members: Membership, **terms: Any) -> Room:
    """An active room, its guests invited."""
    return approved(approver, asked(asker, *members, **terms)).room


def come(approver: Membership, of: Organisation, phone: str = GUS) -> Phone:
    """The invited guest registers and is let in."""
    keys, device = arrived(of, phone)
    acts.approve(approver, device)
    return Phone(device=acts.device_of(of, {"device_id": device.id}), keys=keys)


def arrived(of: Organisation, phone: str = GUS) -> tuple[DeviceKeys, Device]:
    """The invited guest's device waits for its approval."""
    keys = DeviceKeys.generate()
    _, device = acts.register(invitation(of, phone), keys=keys)
    return keys, device


def invitation(of: Organisation, phone: str = GUS) -> Invitation:
    """The last one of this number."""
    with inside(of):
        found = Invitation.objects.select_related("organisation", "party").filter(phone=phone)
        return found.latest("issued_at")


def invited(of: Organisation) -> list[str]:
    """Whom an open invitation names."""
    with inside(of):
        names = Invitation.objects.filter(state=State.ISSUED).order_by("name")
        return list(names.values_list("name", flat=True))


def people(room: Room) -> list[str]:
    """Who is in the room, by name."""
    with organisation_scope(room.organisation_id):
        periods = RoomMembership.objects.filter(room=room, ended_at=None)
        return sorted(periods.values_list("membership__name", flat=True))


def now(room: Room) -> Room:
    """The row as it stands."""
    with organisation_scope(room.organisation_id):
        return Room.objects.get(id=room.id)


def person(of: Organisation, name: str) -> Membership:
    """The latest membership of this name."""
    with inside(of):
        return Membership.objects.filter(name=name).latest("created_at")


def policy(of: Organisation, **changes: Any) -> Policy:
    with inside(of):
        return change_policy(change=PolicyChange(**changes))


def extension_of(by: Membership, room: Room, days: int = 20) -> RoomRequest:
    """A request of a later end."""
    with acting(by):
        return requests.request_extension(
            room_id=room.id, closes_at=clock.now() + timedelta(days=days), reason="More to do"
        )
