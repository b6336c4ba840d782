"""Who holds a device token."""

from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from keys.models import Device, DeviceStatus
from orgs.models import MembershipStatus
from orgs.roles import permissions_of
from semafore.kernel import clock
from semafore.kernel.actor import Actor, ActorKind
from semafore.kernel.database import prepared_cursor
from semafore.kernel.permissions import Permission


@dataclass(frozen=True, slots=True)
class DeviceCredential:
    """An approved device of an active membership, as its token shows it."""

    organisation_id: UUID
    device_id: UUID
    device_name: str
    membership_id: UUID
    account_id: UUID
    person_name: str
    kind: str
    role: str
    expires_at: datetime

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the person's role allows."""
        return permissions_of(self.kind, self.role)

    def actor(self, origin: Actor) -> Actor:
        """The device as the acting party."""
        return replace(
            origin,
            kind=ActorKind.DEVICE,
            id=self.device_id,
            label=f"{self.person_name}, {self.device_name}",
            membership_id=self.membership_id,
        )


def credential_of(device: Device, *, expires_at: datetime | None = None) -> DeviceCredential:
    """The credential that a token of this device stands for; the membership must be loaded."""
    person = device.membership
    return DeviceCredential(
        organisation_id=device.organisation_id,
        device_id=device.id,
        device_name=device.name,
        membership_id=person.id,
        account_id=person.account_id,
        person_name=person.name,
        kind=person.kind,
        role=person.role,
        expires_at=expires_at or clock.now(),
    )


@dataclass(frozen=True, slots=True)
class TokenState:
    """What a token stands for, and whether it still lets its holder in."""

    credential: DeviceCredential
    admitted: bool
    """The device is approved and the membership active, its end not come."""

    @property
    def expired(self) -> bool:
        """The token's hour is over."""
        return self.credential.expires_at <= clock.now()


# One statement over all organisations: the token tells which one the request belongs to.
CREDENTIAL = """
SELECT device.organisation_id, device.id, device.name, person.id, person.account_id, person.name,
       person.kind, person.role, token.expires_at, device.status, person.status,
       person.ends_at
FROM keys_devicetoken AS token
JOIN keys_device AS device ON device.id = token.device_id
JOIN orgs_membership AS person ON person.id = device.membership_id
WHERE token.token_hash = %s
"""


def token_hash(token: str) -> bytes:
    """What is kept of a token: SHA-256, for 32 random bytes need no stretching."""
    return sha256(token.encode()).digest()


def state_of_token(token: str) -> TokenState | None:
    """What the token stands for; None for one that this server didn't issue or has taken back."""
    with prepared_cursor() as cursor:
        cursor.execute(CREDENTIAL, [token_hash(token)])
        row = cursor.fetchone()
    if row is None:
        return None
    *fields, device_status, person_status, ends_at = row
    return TokenState(
        credential=DeviceCredential(*fields),
        admitted=device_status == DeviceStatus.APPROVED
        and person_status == MembershipStatus.ACTIVE
        and (ends_at is None or ends_at > clock.now()),
    )
