"""Rooms of the cast, and messages in them: ciphertexts are bytes that nobody looks into."""

import secrets
from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

from messaging.models import Room, RoomKind, RoomMembership, RoomRole
from orgs.models import Membership, Organisation
from semafore.local.client.wire import encode
from tests.cast import Phone, inside


def group(of: Organisation, *people: Membership, name: str = "Ward 7") -> Room:
    """A group room of these people, the first its administrator."""
    with inside(of):
        room = Room.objects.create(
            organisation_id=of.id, kind=RoomKind.GROUP, name=name, created_by=people[0]
        )
        RoomMembership.objects.bulk_create(
            RoomMembership(
                organisation_id=of.id,
                room=room,
                membership=person,
                added_by=people[0],
                role=RoomRole.MEMBER if count else RoomRole.ADMINISTRATOR,
            )
            for count, person in enumerate(people)
        )
    return room


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
