"""A client that keeps what it may see by the feed of changes, and people who keep changing it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from keys.models import Comparison, Device, DeviceStatus, RevocationReason
from keys.selectors.credentials import DeviceCredential, credential_of
from keys.services.enrolment import approve_device
from keys.services.revocation import revoke_device
from messaging.models import Room, RoomKind, RoomMembership, RoomRole, RoomStatus
from messaging.selectors import changes
from messaging.selectors.members import reached_members
from messaging.selectors.reach import people_in_reach, rooms_of
from messaging.selectors.rooms import with_members
from messaging.serializers.changes import render_changes
from messaging.serializers.members import PeerDeviceSerializer, PersonSerializer
from messaging.serializers.rooms import RoomSerializer
from messaging.services.periods import begin_periods, close, end_periods
from orgs.models import ExternalParty, Membership, MembershipKind, MembershipStatus, Organisation
from orgs.services.memberships import (
    edit_membership,
    end_membership,
    lift_suspension,
    suspend_membership,
)
from semafore.kernel import clock
from semafore.kernel.tenancy import lock_organisation
from tests.cast import Phone, inside, member, phone
from tests.messaging.calls import external, guest

KINDS = ("rooms", "members", "devices")

State = dict[str, dict[str, Any]]


def lists(viewer: DeviceCredential) -> State:
    """What the lists say, by id."""
    people = list(reached_members(viewer))
    devices = [device for person in people for device in person.devices.all()]
    rooms = with_members(rooms_of(viewer.membership_id))
    return {
        "rooms": {one["id"]: one for one in RoomSerializer(rooms, many=True).data},
        "members": {one["id"]: one for one in PersonSerializer(people, many=True).data},
        "devices": {one["id"]: one for one in PeerDeviceSerializer(devices, many=True).data},
    }


@dataclass
class Follower:
    """Listed once, and follows the feed since."""

    viewer: DeviceCredential
    cursor: str = ""
    state: State = field(default_factory=dict)
    heard_of: set[str] = field(default_factory=set)
    """Every id that the lists ever showed, and the devices of whom they named."""
    pages: int = 0

    @classmethod
    def of(cls, device: Phone) -> "Follower":
        """Takes the cursor first, then lists: so nothing falls in between."""
        self = cls(credential_of(device.reload()))
        with inside(device.device.organisation):
            self.cursor = changes.changes(self.viewer, cursor=None).cursor
            self.state = lists(self.viewer)
            self.look()
        return self

    def look(self) -> None:
        """Note what there is to be seen now."""
        rooms = rooms_of(self.viewer.membership_id)
        named = Membership.objects.filter(
            room_memberships__room__in=rooms, room_memberships__ended_at=None
        )
        for people in (people_in_reach(self.viewer), named):
            ids = set(people.values_list("id", flat=True))
            devices = Device.objects.filter(membership__in=ids).values_list("id", flat=True)
            self.heard_of |= {str(one) for one in (*ids, *devices)}
        self.heard_of |= {str(one) for one in rooms.values_list("id", flat=True)}

    def catch_up(self) -> set[str]:
        """Read the feed to its end; the ids that it said are gone."""
        removed: set[str] = set()
        more = True
        while more:
            page = render_changes(changes.changes(self.viewer, cursor=self.cursor))
            self.cursor, more = page["cursor"], page["more"]
            self.pages += 1
            for kind in KINDS:
                removed |= set(page[kind]["removed"])
                for one in page[kind]["removed"]:
                    self.state[kind].pop(one, None)
                self.state[kind] |= {one["id"]: one for one in page[kind]["changed"]}
        return removed


class Town:
    """People, devices and rooms of an organisation, and acts on them at random."""

    def __init__(self, of: Organisation, owner: Membership, random: Random) -> None:
        self.of = of
        self.random = random
        self.owner = owner
        members = [member(of, f"Member {count}") for count in range(3)]
        guests = [guest(of, owner, f"Guest {count}") for count in range(3)]
        for person in (*members[:2], *guests[:2]):
            phone(person, one_time_pre_keys=0)
        phone(members[0], one_time_pre_keys=0, approved=False)
        self.watching = {owner.id, members[0].id, guests[0].id}
        self.phones = [phone(owner), phone(members[0]), phone(guests[0])]
        external(of, owner, members[0], *guests)
        external(of, owner, *guests[:2])
        external(of, members[0], members[1], *guests[1:])

    def act(self) -> None:
        """One change, in a transaction of its own; nothing where there is nothing to change."""
        self.random.choice(
            [
                *(self.room, self.join, self.join, self.join, self.leave, self.leave),
                *(self.close, self.rename, self.role, self.status, self.extend),
                *(self.suspend, self.lift, self.end, self.edit, self.approve, self.revoke),
            ]
        )()

    def _one(self, rows: Any) -> Any:
        found = list(rows.order_by("id"))
        return self.random.choice(found) if found else None

    def _people(self, **conditions: Any) -> Any:
        return Membership.objects.filter(**conditions)

    def _others(self, **conditions: Any) -> Any:
        return self._people(**conditions).exclude(id__in=self.watching)

    def _rooms(self, *statuses: RoomStatus) -> Any:
        return Room.objects.filter(status__in=statuses or (RoomStatus.ACTIVE,))

    def room(self) -> None:
        kind = self.random.choice([RoomKind.GROUP, RoomKind.EXTERNAL])
        external = kind == RoomKind.EXTERNAL
        room = Room.objects.create(
            organisation_id=self.of.id,
            kind=kind,
            name="A room",
            purpose="Some" if external else "",
            party=self._party() if external else None,
            closes_at=clock.now() + timedelta(days=7) if external else None,
            status=self.random.choice([RoomStatus.ACTIVE, RoomStatus.REQUESTED])
            if external
            else RoomStatus.ACTIVE,
        )
        begin_periods(room, [self.owner], role=RoomRole.ADMINISTRATOR)

    def _party(self) -> ExternalParty:
        party, _ = ExternalParty.objects.get_or_create(organisation_id=self.of.id, name="Party")
        return party

    def join(self) -> None:
        room = self._one(self._rooms(RoomStatus.ACTIVE, RoomStatus.REQUESTED))
        kinds = [MembershipKind.MEMBER]
        if room is not None and room.kind == RoomKind.EXTERNAL:
            kinds.append(MembershipKind.GUEST)
        person = self._one(self._people(status=MembershipStatus.ACTIVE, kind__in=kinds))
        if room is not None and person is not None:
            begin_periods(room, [person])

    def leave(self) -> None:
        periods = RoomMembership.objects.filter(ended_at=None).select_related("room", "membership")
        period = self._one(periods)
        if period is not None:
            end_periods([period], reason="enough")

    def close(self) -> None:
        room = self._one(self._rooms())
        if room is not None and self.random.random() < 0.3:
            close(room, reason="over")

    def rename(self) -> None:
        room = self._one(self._rooms())
        if room is not None:
            room.name = f"Room {self.random.random()}"
            room.save(update_fields=["name"])

    def role(self) -> None:
        period = self._one(RoomMembership.objects.filter(ended_at=None))
        if period is not None:
            period.role = self.random.choice(RoomRole.values)
            period.save(update_fields=["role"])

    def status(self) -> None:
        room = self._one(self._rooms(RoomStatus.REQUESTED))
        if room is not None:
            room.status = RoomStatus.ACTIVE
            room.save(update_fields=["status"])

    def extend(self) -> None:
        """Or cut short, as if its end came while nobody swept."""
        room = self._one(self._rooms().filter(kind=RoomKind.EXTERNAL))
        if room is not None:
            room.closes_at = clock.now() + timedelta(days=self.random.choice([-1, 1]))
            room.save(update_fields=["closes_at"])

    def suspend(self) -> None:
        person = self._one(self._others(status=MembershipStatus.ACTIVE))
        if person is not None:
            suspend_membership(membership_id=person.id, reason="inquiry")

    def lift(self) -> None:
        person = self._one(self._others(status=MembershipStatus.SUSPENDED))
        if person is not None:
            lift_suspension(membership_id=person.id, reason="nothing found")

    def end(self) -> None:
        person = self._one(self._others().exclude(status=MembershipStatus.ENDED))
        if person is not None and self.random.random() < 0.3:
            end_membership(membership_id=person.id, reason="left")

    def edit(self) -> None:
        person = self._one(self._people())
        name = f"Name {self.random.random()}"
        edit_membership(membership_id=person.id, name=name, unit="")

    def approve(self) -> None:
        device = self._one(Device.objects.filter(status=DeviceStatus.PENDING))
        if device is not None and device.membership.status == MembershipStatus.ACTIVE:
            approve_device(device_id=device.id, compared=Comparison.IN_PERSON)

    def revoke(self) -> None:
        watching = [one.id for one in self.phones]
        devices = Device.objects.filter(status=DeviceStatus.APPROVED).exclude(id__in=watching)
        device = self._one(devices)
        if device is not None and self.random.random() < 0.5:
            revoke_device(device_id=device.id, reason=RevocationReason.LOST)


def locked(act: Callable[[], None]) -> None:
    """The act, where the organisation's lock comes first, as in every service."""
    lock_organisation()
    act()
