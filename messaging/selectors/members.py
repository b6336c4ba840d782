"""People with their devices, as peers need them."""

from django.db.models import Prefetch, QuerySet

from keys.models import Device, DeviceStatus
from keys.selectors.credentials import DeviceCredential
from messaging.selectors.reach import people_in_reach
from orgs.models import Membership, MembershipStatus, unlapsed


def reached_members(viewer: DeviceCredential) -> QuerySet[Membership]:
    """Whom the device may message, each with party and approved devices."""
    people = people_in_reach(viewer).select_related("party")
    return people.prefetch_related(Prefetch("devices", queryset=messageable_devices()))


def messageable_devices() -> QuerySet[Device]:
    """Approved devices of active people, oldest first, with the device that vouches for them."""
    return (
        Device.objects.filter(
            unlapsed("membership__"),
            status=DeviceStatus.APPROVED,
            membership__status=MembershipStatus.ACTIVE,
        )
        .select_related("endorser")
        .order_by("enrolled_at", "id")
    )
