"""Rooms of the cast, and messages in them: ciphertexts are bytes that nobody looks into."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from messaging.models import Room, RoomKind, RoomMembership, RoomRole
from orgs.models import ExternalParty, Membership, Organisation
from semafore.kernel import clock
from semafore.local.client.wire import encode
from tests.cast import Phone, inside


def group(of: Organisation, *people: Membership, name: str = "Ward 7") -> Room:
    """A group room of these people, the first its administrator."""
    with inside(of):
        room = Room.objects.create(
            organisation_id=of.id, kind=RoomKind.GROUP, name=name, created_by=people[0]
        )
        _begin(room, people)
    return room


def external(
    of: Organisation, *people: Membership, closes_in: timedelta = timedelta(days=7)
) -> Room:
    """An external room that is open, with a party and no guest yet; the first administers it."""
    with inside(of):
        party, _ = ExternalParty.objects.get_or_create(organisation_id=of.id, name="Initech")
        room = Room.objects.create(
            organisation_id=of.id,
            kind=RoomKind.EXTERNAL,
            name="Printers",
            purpose="To have the printers repaired",
            party=party,
            closes_at=clock.now() + closes_in,
            created_by=people[0],
        )
        _begin(room, people)
    return room


def _begin(room: Room, people: Sequence[Membership]) -> None:
    RoomMembership.objects.bulk_create(
        RoomMembership(
            organisation_id=room.organisation_id,
            room=room,
            membership=person,
            added_by=people[0],
            role=RoomRole.MEMBER if count else RoomRole.ADMINISTRATOR,
        )
        for count, person in enumerate(people)
    )


def envelope(to: Phone, ciphertext: bytes | None = None, **changes: Any) -> dict[str, Any]:
    """One device's envelope, as it is sent."""
    return {
        "device_id": str(to.id),
        "registration_id": to.device.registration_id,
        "suite": "x3dh-25519",
        "type": "message",
        "ciphertext": encode(ciphertext or secrets.token_bytes(60)),
        **changes,
    }


def message(to: Iterable[Phone], message_id: UUID | None = None) -> dict[str, Any]:
    """A message's body with an envelope for each of these devices."""
    return {
        "message_id": str(message_id or uuid4()),
        "envelopes": [envelope(one) for one in to],
    }
