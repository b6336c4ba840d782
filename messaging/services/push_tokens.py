"""Push tokens: sealed, one a device, gone with it."""

from uuid import UUID

from cryptography.fernet import InvalidToken
from django.db import transaction

from audit.services.recording import record
from keys.models import Device, DeviceStatus
from keys.services.bundles import device_ref
from messaging.events.devices import PushTokenRegistered, PushTokenRemoved
from messaging.models import PushToken
from messaging.push.outcomes import Target
from orgs.services.memberships import membership_ref
from semafore.kernel import clock
from semafore.kernel.problems import NotAuthenticated
from semafore.kernel.sealing import seal, unseal
from semafore.kernel.tenancy import current_organisation_id, lock_organisation


@transaction.atomic
def register_push_token(*, device_id: UUID, target: Target) -> None:
    """Wake the device there from now on; the same again changes nothing.

    Raises NotAuthenticated when the device was revoked meanwhile.
    """
    # A revocation comes before it, and is seen, or after it, and takes the token away.
    lock_organisation(shared=True)
    device = (
        Device.objects.select_related("membership")
        .filter(id=device_id, status=DeviceStatus.APPROVED)
        .first()
    )
    if device is None:
        raise NotAuthenticated
    current = PushToken.objects.select_for_update().filter(device_id=device_id).first()
    if current is not None and _is_for(current, target):
        return
    PushToken.objects.update_or_create(
        organisation_id=current_organisation_id(),
        device_id=device_id,
        defaults={
            "service": target.service,
            "environment": target.environment,
            "token": seal(target.token.encode()),
            "registered_at": clock.now(),
            "woken_at": None,
            "failures": 0,
            "failed_at": None,
            "error": "",
        },
    )
    record(
        PushTokenRegistered(service=target.service, environment=target.environment),
        target=device_ref(device),
        subject=membership_ref(device.membership),
    )


def _is_for(token: PushToken, target: Target) -> bool:
    try:
        value = unseal(token.token).decode()
    except InvalidToken:
        return False
    return (token.service, token.environment, value) == (
        target.service,
        target.environment,
        target.token,
    )


@transaction.atomic
def remove_push_token(*, device_id: UUID) -> None:
    """Wake the device no more, by its own wish; nothing where it has no token."""
    token = PushToken.objects.select_for_update().filter(device_id=device_id).first()
    if token is not None:
        forget_push_token(token, reason="removed by the device")


def forget_push_token(token: PushToken, *, reason: str) -> None:
    """Delete a token, in the caller's transaction, who holds its row."""
    device = Device.objects.select_related("membership").get(id=token.device_id)
    token.delete()
    record(
        PushTokenRemoved(service=token.service, reason=reason),
        target=device_ref(device),
        subject=membership_ref(device.membership),
    )
