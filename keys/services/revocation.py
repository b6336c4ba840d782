"""Revocation: keys, tokens and the socket go at once."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from audit.services.recording import record
from keys import events
from keys.errors import DeviceTransition
from keys.models import (
    Device,
    DeviceStatus,
    DeviceToken,
    KeyBundle,
    OneTimePreKey,
    Posture,
    RevocationReason,
    SignedPreKey,
)
from keys.services.bundles import device_ref
from orgs.selectors.settings import managed_config
from orgs.services.memberships import membership_ref
from semafore.kernel import clock, hooks
from semafore.kernel.problems import NotFound
from semafore.kernel.realtime import Hint, notify
from semafore.kernel.tenancy import lock_organisation

LIVE = (DeviceStatus.PENDING, DeviceStatus.APPROVED)


@transaction.atomic
def revoke_device(
    *, device_id: UUID, reason: RevocationReason, membership_id: UUID | None = None
) -> Device:
    """Revoke a device of the organisation; of this person only, where `membership_id` is given.

    Raises NotFound, DeviceTransition when it is revoked or denied already.
    """
    # Whoever tries ids at random must not hold up the organisation: look before locking.
    if not Device.objects.filter(id=device_id).exists():
        raise NotFound
    lock_organisation()
    devices = Device.objects.select_for_update(of=("self",), no_key=True).select_related(
        "membership"
    )
    if membership_id is not None:
        devices = devices.filter(membership_id=membership_id)
    device = devices.filter(id=device_id).first()
    if device is None:
        raise NotFound
    if device.status not in LIVE:
        raise DeviceTransition(detail=f"The device is {device.status} already.")
    device.status = DeviceStatus.REVOKED
    device.revoked_at = clock.now()
    device.revocation_reason = reason
    # Content on a device in custody is evidence (product.md, section 2, Lost device).
    device.wipe = (
        reason != RevocationReason.CUSTODY and managed_config().settings.wipe_on_revocation
    )
    device.save(update_fields=["status", "revoked_at", "revocation_reason", "wipe"])
    delete_keys(device.id)
    record(
        events.DeviceRevoked(reason=reason, wipe=device.wipe),
        target=device_ref(device),
        subject=membership_ref(device.membership),
    )
    hooks.device_revoked(hooks.DeviceRevoked(device.id, device.membership_id))
    end_sessions([device.id])
    return device


def delete_keys(device_id: UUID) -> None:
    """Delete a device's whole bundle, under its lock: claims come before it or find nothing.

    What it said of itself goes with it.
    """
    KeyBundle.objects.select_for_update().filter(device_id=device_id).first()
    OneTimePreKey.objects.filter(device_id=device_id).delete()
    SignedPreKey.objects.filter(device_id=device_id).delete()
    KeyBundle.objects.filter(device_id=device_id).delete()
    Posture.objects.filter(device_id=device_id).delete()


def end_sessions(device_ids: Iterable[UUID]) -> None:
    """Delete the devices' tokens and close their sockets (4401)."""
    ids = list(device_ids)
    DeviceToken.objects.filter(device_id__in=ids).delete()
    notify(ids, Hint.STATUS)


def on_membership_suspended(change: hooks.MembershipChanged) -> None:
    """Tokens and sockets end; the keys stay for the day the suspension is lifted."""
    end_sessions(_live_devices(change.membership_id))


def on_membership_ended(change: hooks.MembershipChanged) -> None:
    """Every device of the person goes."""
    for device_id in _live_devices(change.membership_id):
        revoke_device(device_id=device_id, reason=RevocationReason.DEPARTURE)


def _live_devices(membership_id: UUID) -> list[UUID]:
    devices = Device.objects.filter(membership_id=membership_id, status__in=LIVE)
    return list(devices.order_by("id").values_list("id", flat=True))
