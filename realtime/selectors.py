"""What an open socket must know: may it stay, is it the one, what is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from keys.models import DeviceStatus, DeviceToken
from keys.selectors.bundles import DueKeyEvents, due_key_events
from orgs.models import MembershipStatus, unlapsed


@dataclass(frozen=True, slots=True)
class Sight:
    """A device that may be connected, as the database has it just now."""

    device_id: UUID
    membership_id: UUID
    serial: int
    """Of the device's latest connect."""
    keys: DueKeyEvents | None


def sights(token_hashes: Sequence[bytes]) -> dict[bytes, Sight]:
    """By token hash, in three statements however many; who is missing must be let go (4401).

    The token itself counts, not only the device: a suspension takes it away for good, even where it
    was lifted before anybody looked.
    """
    admitted = list(
        DeviceToken.objects.filter(
            unlapsed("device__membership__"),
            token_hash__in=token_hashes,
            device__status=DeviceStatus.APPROVED,
            device__membership__status=MembershipStatus.ACTIVE,
        ).values_list(
            "token_hash", "device_id", "device__membership_id", "device__connection__serial"
        )
    )
    due = due_key_events([device_id for _, device_id, _, _ in admitted])
    return {
        bytes(token_hash): Sight(device_id, membership_id, serial, due.get(device_id))
        for token_hash, device_id, membership_id, serial in admitted
    }
