"""What happens to people and devices, and who may do what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from semafore.kernel.permissions import Permission


@dataclass(frozen=True, slots=True)
class MembershipChanged:
    """A membership of the current organisation that was suspended or ended."""

    membership_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class DeviceRevoked:
    """A device of the current organisation that was revoked."""

    device_id: UUID
    membership_id: UUID


@dataclass(frozen=True, slots=True)
class GuestAdmitted:
    """A guest of the current organisation who was approved, and the room the invitation names."""

    membership_id: UUID
    room_id: UUID | None


@dataclass(frozen=True, slots=True)
class PermissionHolders:
    """Members of the current organisation: which of them may do something just now."""

    permission: Permission
    membership_ids: frozenset[UUID]
    found: set[UUID] = field(default_factory=set)
    """Filled by the handler."""


@dataclass(frozen=True, slots=True)
class PeopleToTell:
    """A mail to those members of the current organisation who may do something about it."""

    permission: Permission
    template: str
    """Of `templates/mail/`."""
    context: Mapping[str, str]
    """Names and times, never a secret; `page` is a path within the organisation's console."""


@dataclass(frozen=True, slots=True)
class GuestsInReach:
    """Of these memberships, whom may this one reach? At least one side of each pair is a guest."""

    membership_id: UUID
    others: frozenset[UUID]
    reached: set[UUID] = field(default_factory=set)
    """Filled by the handlers; who isn't in it is as if they didn't exist."""


@dataclass(frozen=True, slots=True)
class SignedPreKeyRenewed:
    """A device of the current organisation whose signed pre-key had expired has a fresh one."""

    device_id: UUID
