"""Who may claim of whom, where guests are about (product.md, section 2, Who may claim).

People reach themselves, and members reach members. A guest reaches, and is reached by, who is in a
room with them.
"""

from collections.abc import Mapping
from uuid import UUID

from keys.selectors.credentials import DeviceCredential
from orgs.models import MembershipKind
from semafore.kernel import hooks


def reached_by_room(credential: DeviceCredential, owners: Mapping[UUID, str]) -> frozenset[UUID]:
    """Of these people (membership: kind), those whom only a room that they share lets reach."""
    asks_as_guest = credential.kind == MembershipKind.GUEST
    return frozenset(
        owner
        for owner, kind in owners.items()
        if owner != credential.membership_id and (asks_as_guest or kind == MembershipKind.GUEST)
    )


def out_of_reach(credential: DeviceCredential, by_room: frozenset[UUID]) -> frozenset[UUID]:
    """Of those of `reached_by_room`, who is in no room with the device's person."""
    asked = hooks.GuestsInReach(credential.membership_id, by_room)
    hooks.guests_in_reach(asked)
    return by_room - asked.reached
