"""What others do while a device is connected; for use in threads."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier
from uuid import UUID

from django.conf import settings
from django.db import connection

from audit.models import Event
from keys.models import (
    Claim,
    Device,
    DeviceStatus,
    DeviceToken,
    KeyBundle,
    RevocationReason,
    SignedPreKey,
)
from keys.selectors.credentials import credential_of
from keys.services.claiming import claim_all
from keys.services.revocation import revoke_device
from keys.services.sweeps import warn_of_due_rotations
from messaging.models import Envelope
from orgs.models import Membership
from orgs.services.memberships import activate_membership, end_membership, suspend_membership
from realtime.models import Connection
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.problems import Problem
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.cast import Phone

Act = Callable[[Phone], None]

SOON = 5.0
"""Seconds until something ends: time enough for a socket to be opened before."""


@contextmanager
def inside(phone: Phone) -> Iterator[None]:
    """The phone's organisation, as the system."""
    with organisation_scope(phone.device.organisation_id), acting_as(SYSTEM):
        yield


def revoke(phone: Phone) -> None:
    with inside(phone):
        revoke_device(device_id=phone.id, reason=RevocationReason.LOST)


def suspend(phone: Phone) -> None:
    with inside(phone):
        suspend_membership(membership_id=phone.device.membership_id, reason="holiday")


def lift(phone: Phone) -> None:
    with inside(phone):
        activate_membership(membership_id=phone.device.membership_id)


def end(phone: Phone) -> None:
    with inside(phone):
        end_membership(membership_id=phone.device.membership_id, reason="left")


def forget_approval(phone: Phone) -> None:
    """The device is no longer approved, and nobody took its token away."""
    with inside(phone):
        Device.objects.filter(id=phone.id).update(status=DeviceStatus.REVOKED)


def connection_of(phone: Phone) -> Connection:
    with inside(phone):
        return Connection.objects.get(device_id=phone.id)


def events_of(phone: Phone) -> int:
    """How many events the phone's organisation has."""
    with inside(phone):
        return Event.objects.count()


def expire_token(phone: Phone, *, in_seconds: float) -> None:
    with inside(phone):
        expires_at = clock.now() + timedelta(seconds=in_seconds)
        DeviceToken.objects.filter(device_id=phone.id).update(expires_at=expires_at)


def age_signed_pre_key(phone: Phone, *, left: timedelta) -> None:
    """Let the current signed pre-key have so long to go; negative: it is expired."""
    with inside(phone):
        uploaded_at = clock.now() - settings.SPK_MAX_AGE + left
        SignedPreKey.objects.filter(device_id=phone.id, superseded_at=None).update(
            uploaded_at=uploaded_at
        )


def forget_claims(target: Phone) -> None:
    """Let nobody have claimed of it yet today: the claim limit is not what is tested here."""
    with inside(target):
        Claim.objects.filter(target_id=target.id).delete()


def set_stock(phone: Phone, available: int) -> None:
    with inside(phone):
        KeyBundle.objects.filter(device_id=phone.id).update(available=available)


def sweep(phone: Phone) -> None:
    with inside(phone):
        warn_of_due_rotations()


def claim_once(claimant: Phone, target: UUID) -> int | Problem | None:
    """The one-time pre-key's id, None without one, or the refusal."""
    with inside(claimant):
        outcome = claim_all(credential=credential_of(claimant.reload()), device_ids=[target])[
            target
        ]
    if isinstance(outcome, Problem):
        return outcome
    return outcome.one_time_pre_key[0] if outcome.one_time_pre_key else None


def claim_at_once(claimants: list[Phone], target: UUID) -> list[int | Problem | None]:
    """One claim of each, all at the same moment, each on a connection of its own."""
    barrier = Barrier(len(claimants))

    def one(claimant: Phone) -> int | Problem | None:
        barrier.wait(timeout=120)
        try:
            return claim_once(claimant, target)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(claimants)) as threads:
        return list(threads.map(one, claimants))


def waiting(phone: Phone) -> int:
    """How many envelopes are in the phone's mailbox."""
    with inside(phone):
        return Envelope.objects.filter(device_id=phone.id).count()


def another(person: Membership) -> Phone:
    """One more device of a person."""
    return cast.phone(person, name="Tablet")
