"""The feed of changes: what became different of what a device may see, by cursor.

A page covers a range of versions. It takes everything that the changes in the range can have
touched, and gives each thing as it stands now, or says that it is gone: so a page may be read
twice, or late. An end that comes by the clock alone shows once the sweep has carried it out.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.db.models import Exists, OuterRef, Q

from keys.models import Device, DeviceStatus
from keys.selectors.credentials import DeviceCredential
from messaging.errors import CursorExpired
from messaging.models import Room, RoomMembership
from messaging.selectors.reach import met_by, people_in_reach, rooms_of
from messaging.selectors.rooms import with_members
from messaging.selectors.versions import Versions, following, latest
from orgs.models import Membership, MembershipChange, MembershipKind, MembershipStatus
from orgs.selectors.settings import managed_config
from semafore.kernel import clock
from semafore.kernel.sealing import seal, unseal

ROWS_A_PAGE = 500
CURSOR_LIFETIME = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Changes:
    """A page of the feed; what is removed the device may see no longer."""

    cursor: str
    managed_config_version: int
    """Of what the organisation wants of the app, as it stands now."""
    more: bool = False
    rooms: Sequence[Room] = ()
    rooms_removed: Collection[UUID] = ()
    people: Sequence[Membership] = ()
    people_removed: Collection[UUID] = ()
    devices: Sequence[Device] = ()
    devices_removed: Collection[UUID] = ()


def cursor_at(version: int, *, membership_id: UUID) -> str:
    """Where a person's feed stands; sealed, for the numbers tell how much others do."""
    content = [version, membership_id.hex, clock.now().isoformat()]
    return seal(json.dumps({"changes": content}).encode()).decode()


def _read(cursor: str, membership_id: UUID) -> int:
    """The version that the cursor stands at. Raises CursorExpired."""
    try:
        # A list's cursor is sealed too, and has another shape.
        match json.loads(unseal(cursor.encode())):
            case {"changes": [int(version), str(of), str(at)]} if of == membership_id.hex:
                issued = datetime.fromisoformat(at)
            case _:
                raise CursorExpired
    except InvalidToken:
        raise CursorExpired from None
    if issued <= clock.now() - CURSOR_LIFETIME:
        raise CursorExpired
    return version


def changes(viewer: DeviceCredential, *, cursor: str | None) -> Changes:
    """What changed since the cursor; without one nothing, and the cursor of now.

    Raises CursorExpired for no cursor of this person's, or one older than 90 days.
    """
    wanted = managed_config().version
    if cursor is None:
        return Changes(cursor_at(latest().any, membership_id=viewer.membership_id), wanted)
    range_ = following(_read(cursor, viewer.membership_id), rows=ROWS_A_PAGE)
    here = cursor_at(range_.upto, membership_id=viewer.membership_id)
    if range_.upto == range_.after:
        return Changes(here, wanted)
    candidates = _people_touched(viewer, range_)
    devices = _devices_touched(viewer, range_, candidates)
    owners = {device.membership_id for device in devices}
    reached = {
        person.id: person
        for person in people_in_reach(viewer)
        .filter(id__in=candidates | owners)
        .select_related("party")
    }
    seen = [
        device
        for device in devices
        if device.status == DeviceStatus.APPROVED and device.membership_id in reached
    ]
    return Changes(
        cursor=here,
        managed_config_version=wanted,
        more=range_.more,
        rooms=_rooms_touched(viewer, range_),
        rooms_removed=_rooms_left(viewer, range_),
        people=[reached[one] for one in candidates if one in reached],
        people_removed=_known(candidates - reached.keys()),
        devices=seen,
        devices_removed={one.id for one in devices} - {one.id for one in seen},
    )


def _people_touched(viewer: DeviceCredential, range_: Versions) -> set[UUID]:
    """Who changed, and whom the person met where room, own time or the other's changed.

    Of the second only those whom they see for a room's sake. What happens in a room after the
    person's own time in it is no news of theirs.
    """
    changed = Membership.objects.filter(_near(viewer), range_.of())
    own_changed = range_.of("room__memberships__")
    beside = RoomMembership.objects.filter(
        met_by(viewer.membership_id),
        Q(room__memberships__ended_at=None) | own_changed,
        range_.of() | range_.of("room__") | own_changed,
    ).exclude(membership_id=viewer.membership_id)
    if viewer.kind == MembershipKind.MEMBER:
        beside = beside.filter(membership__kind=MembershipKind.GUEST)
    return {
        *changed.values_list("id", flat=True),
        *beside.values_list("membership_id", flat=True).distinct(),
    }


def _near(viewer: DeviceCredential) -> Q:
    """Of whom the person hears: all members for a member, and whoever is in a room with them."""
    beside = RoomMembership.objects.filter(ended_at=None, room__in=rooms_of(viewer.membership_id))
    near = Q(id=viewer.membership_id) | Q(id__in=beside.values("membership_id"))
    if viewer.kind == MembershipKind.MEMBER:
        near |= Q(kind=MembershipKind.MEMBER)
    return near


def _known(membership_ids: set[UUID]) -> set[UUID]:
    """Those who were active at some time: of others nobody has heard."""
    if not membership_ids:
        return set()
    active = MembershipChange.objects.filter(
        membership=OuterRef("id"), status=MembershipStatus.ACTIVE
    )
    known = Membership.objects.filter(Exists(active), id__in=membership_ids)
    return set(known.values_list("id", flat=True))


def _devices_touched(viewer: DeviceCredential, range_: Versions, people: set[UUID]) -> list[Device]:
    """Devices that changed, those that they vouch for, and those of people who did.

    Of who went away also those that were revoked before. What was never approved is not among
    them: nobody has heard of it.
    """
    changed = set(Device.objects.filter(range_.of()).values_list("id", flat=True))
    near = Membership.objects.filter(_near(viewer))
    of_near = Q(Q(id__in=changed) | Q(endorser__in=changed), membership__in=near)
    of_people = Q(Q(status=DeviceStatus.APPROVED) | ~Q(membership__in=near), membership__in=people)
    touched = Device.objects.filter(of_near | of_people, approval_leaf__isnull=False)
    return list(touched.select_related("endorser").order_by("enrolled_at", "id"))


def _rooms_touched(viewer: DeviceCredential, range_: Versions) -> list[Room]:
    periods = RoomMembership.objects.filter(range_.of())
    touched = range_.of() | Q(id__in=periods.values("room_id"))
    return list(with_members(rooms_of(viewer.membership_id).filter(touched)))


def _rooms_left(viewer: DeviceCredential, range_: Versions) -> set[UUID]:
    left = RoomMembership.objects.filter(
        range_.of(), membership_id=viewer.membership_id, ended_at__isnull=False
    ).exclude(room__in=rooms_of(viewer.membership_id))
    return set(left.values_list("room_id", flat=True))
