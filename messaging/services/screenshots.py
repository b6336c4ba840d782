"""Reports of screenshots: kept by the organisation, whatever becomes of device and person."""

from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q

from audit.services.recording import record
from keys.models import Platform
from keys.selectors.credentials import DeviceCredential
from messaging.events.devices import ScreenshotReported
from messaging.models import Room, RoomMembership, ScreenshotReport
from messaging.services.periods import room_ref
from semafore.kernel.problems import NotFound


@transaction.atomic
def report_screenshot(
    *, credential: DeviceCredential, room_id: UUID, taken_at: datetime, platform: Platform
) -> ScreenshotReport:
    """Note that a screenshot was taken in a room.

    Raises NotFound for a room that the person neither is in nor was in at that time: a report that
    was on its way while the room closed still counts.
    """
    there = RoomMembership.objects.filter(
        Q(ended_at=None) | Q(ended_at__gte=taken_at),
        room_id=room_id,
        membership_id=credential.membership_id,
    )
    room = Room.objects.filter(id__in=there.values("room_id")).first()
    if room is None:
        raise NotFound
    report_id = uuid4()
    recorded = record(
        ScreenshotReported(report_id=report_id, taken_at=taken_at, platform=platform),
        room=room_ref(room),
    )
    return ScreenshotReport.objects.create(
        id=report_id,
        organisation_id=credential.organisation_id,
        room=room,
        membership_id=credential.membership_id,
        device_id=credential.device_id,
        taken_at=taken_at,
        platform=platform,
        event_id=recorded.event_id,
    )
