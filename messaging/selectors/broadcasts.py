"""Whom a broadcast has reached, and whom not."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q

from keys.models import Device, DeviceStatus
from messaging.models import Broadcast, Delivery, Envelope
from orgs.models import MembershipKind, MembershipStatus, unlapsed


def reached(broadcast_id: UUID, *, among: Collection[UUID] | None = None) -> set[UUID]:
    """The devices that parts of it were sent to; only those `among` these, where given."""
    parts = Q(message__broadcast_id=broadcast_id)
    if among is not None:
        parts &= Q(device_id__in=among)
    waiting = Envelope.objects.filter(parts).values_list("device_id", flat=True)
    gone = Delivery.objects.filter(parts).values_list("device_id", flat=True)
    return {*waiting, *gone}


def wanting(broadcast: Broadcast) -> set[UUID]:
    """The devices that it is for: approved ones of active members, less the one that began it."""
    devices = Device.objects.filter(
        unlapsed("membership__"),
        status=DeviceStatus.APPROVED,
        membership__status=MembershipStatus.ACTIVE,
        membership__kind=MembershipKind.MEMBER,
    )
    return set(devices.exclude(id=broadcast.sender_device_id).values_list("id", flat=True))
