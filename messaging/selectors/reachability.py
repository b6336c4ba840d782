"""Whom nothing reaches, or soon won't: the lists of the reachability page."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery

from keys.models import Device, DeviceStatus, SignedPreKey
from messaging.models import Envelope, PushToken
from orgs.models import Membership, MembershipStatus, unlapsed
from semafore.kernel import clock

MAIL_WITHIN = timedelta(hours=72)


def _reachable(path: str = "") -> dict[str, str]:
    """Approved devices of active people; `path` leads to the device (`device__`)."""
    return {
        f"{path}status": DeviceStatus.APPROVED,
        f"{path}membership__status": MembershipStatus.ACTIVE,
    }


def people_without_device() -> QuerySet[Membership]:
    """Active people with a phone number and no approved device. By email alone one needs none."""
    approved = Device.objects.filter(membership=OuterRef("id"), status=DeviceStatus.APPROVED)
    active = Membership.objects.filter(unlapsed(), status=MembershipStatus.ACTIVE)
    return active.exclude(phone="").filter(~Exists(approved)).select_related("party")


def lapsing_keys() -> QuerySet[SignedPreKey]:
    """Current signed pre-keys that have expired or will within a day."""
    uploaded_before = clock.now() - settings.SPK_MAX_AGE + settings.SPK_WARNING_PERIOD
    return (
        SignedPreKey.objects.filter(
            superseded_at=None, uploaded_at__lte=uploaded_before, **_reachable("device__")
        )
        .defer("public_key", "signature", "key_hash")
        .select_related("device__membership")
    )


def failing_pushes() -> QuerySet[PushToken]:
    """Devices whose last wake-ups failed."""
    found = PushToken.objects.filter(failures__gt=0, failed_at__isnull=False)
    return (
        found.filter(**_reachable("device__")).defer("token").select_related("device__membership")
    )


def expiring_mail() -> QuerySet[Device]:
    """Devices whose oldest waiting message (`oldest`) dies within three days if not fetched."""
    accepted_before = clock.now() - settings.ENVELOPE_MAX_AGE + MAIL_WITHIN
    waiting = Envelope.objects.filter(device=OuterRef("id")).order_by("position")
    return (
        Device.objects.filter(**_reachable())
        .annotate(oldest=Subquery(waiting.values("message__accepted_at")[:1]))
        .filter(oldest__lte=accepted_before)
        .select_related("membership")
    )


def waiting_envelopes(devices: Sequence[Device]) -> dict[UUID, int]:
    """How many messages wait for each of the devices."""
    found = Envelope.objects.filter(device_id__in=[device.id for device in devices]).order_by()
    return dict(found.values_list("device_id").annotate(Count("position")))


def wakeable(device_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the devices that registered how to wake them."""
    found = PushToken.objects.filter(device_id__in=device_ids)
    return set(found.values_list("device_id", flat=True))
