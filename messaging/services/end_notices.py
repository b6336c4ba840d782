"""A day before an external room ends, sponsors and guests are told, once."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from audit.services.recording import record
from keys.models import Device, DeviceStatus
from messaging.events.external import EndAnnounced
from messaging.models import NoticeKind, Room, RoomMembership, RoomStatus
from messaging.services.notices import post_notices
from messaging.services.periods import room_ref
from orgs.models import Membership, MembershipKind, Organisation
from orgs.selectors.members import present_members
from orgs.services.mail import post_mail
from semafore.kernel import clock
from semafore.kernel.tasks import BATCH
from semafore.kernel.tenancy import current_organisation_id

TOLD_AHEAD = timedelta(hours=24)


def tell_of_ends() -> int:
    """Tell of the rooms that end within a day, each in its own transaction; how many were due."""
    ids = list(_due().order_by("closes_at").values_list("id", flat=True)[:BATCH])
    for room_id in ids:
        _tell(room_id)
    return len(ids)


def _due() -> QuerySet[Room]:
    now = clock.now()
    return Room.objects.filter(
        status=RoomStatus.ACTIVE,
        told_at=None,
        closes_at__gt=now,
        closes_at__lte=now + TOLD_AHEAD,
    )


@transaction.atomic
def _tell(room_id: UUID) -> None:
    # Of two workers one takes the room; the other finds it locked, or told.
    room = _due().select_for_update(skip_locked=True, no_key=True).filter(id=room_id).first()
    if room is None or room.closes_at is None:
        return
    guests = list(
        Membership.objects.filter(
            kind=MembershipKind.GUEST,
            id__in=RoomMembership.objects.filter(room=room, ended_at=None).values("membership_id"),
        )
    )
    answering = {guest.sponsor_id for guest in guests} | {room.created_by_id}
    sponsors = list(present_members().filter(id__in=answering).order_by("id"))
    devices = Device.objects.filter(
        membership__in=[*guests, *sponsors], status=DeviceStatus.APPROVED
    )
    room.told_at = clock.now()
    room.save(update_fields=["told_at"])
    post_notices(
        device_ids=list(devices.values_list("id", flat=True)),
        kind=NoticeKind.MEMBERSHIP_ENDING,
        room_id=room.id,
        moment=room.closes_at,
    )
    _mail(room, sponsors)
    told = EndAnnounced(closes_at=room.closes_at, guests=len(guests), sponsors=len(sponsors))
    record(told, room=room_ref(room))


def _mail(room: Room, sponsors: list[Membership]) -> None:
    organisation = Organisation.objects.get(id=current_organisation_id())
    for sponsor in sponsors:
        if sponsor.email:
            context = {
                "organisation": organisation.name,
                "room": room.name,
                "party": room.party and room.party.name,
                "ends": f"{room.closes_at:%-d %B %Y at %H:%M} UTC",
            }
            post_mail(to=sponsor.email, template="room_ending", context=context)
