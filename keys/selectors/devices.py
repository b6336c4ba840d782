"""Reads of devices."""

from uuid import UUID

from django.db.models import QuerySet

from keys.models import Device


def devices_of(membership_id: UUID) -> QuerySet[Device]:
    """A person's devices in the current organisation, oldest first."""
    return Device.objects.filter(membership_id=membership_id).order_by("enrolled_at", "id")


def own_device(device_id: UUID) -> Device:
    """The device with its membership and organisation."""
    return Device.objects.select_related("membership", "organisation").get(id=device_id)
