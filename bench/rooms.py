"""Rooms of fifty and one, and messages in them; made of rows, however rooms come about."""

import base64
import json
import secrets
from collections.abc import Sequence
from uuid import UUID, uuid4

from bench.data import BenchDevice
from messaging.models import Room, RoomKind, RoomMembership
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope

RECIPIENTS = 50
CIPHERTEXT_BYTES = 600
_CIPHERTEXTS = [
    base64.b64encode(secrets.token_bytes(CIPHERTEXT_BYTES)).decode() for _ in range(1000)
]


def room(organisation_id: UUID, people: Sequence[BenchDevice]) -> UUID:
    """A group room of these people."""
    with acting_as(SYSTEM), organisation_scope(organisation_id):
        made = Room.objects.create(
            organisation_id=organisation_id, kind=RoomKind.GROUP, name="Bench"
        )
        RoomMembership.objects.bulk_create(
            RoomMembership(
                organisation_id=organisation_id, room=made, membership_id=one.membership_id
            )
            for one in people
        )
    return made.id


def message(sender: BenchDevice, people: Sequence[BenchDevice]) -> bytes:
    """A message's body: 600 bytes for each of the others, no two alike."""
    at = secrets.randbelow(len(_CIPHERTEXTS))
    others = [one for one in people if one.id != sender.id]
    envelopes = [
        {
            "device_id": str(one.id),
            "registration_id": one.keys.registration_id,
            "suite": "x3dh-25519",
            "type": "message",
            "ciphertext": _CIPHERTEXTS[(at + index) % len(_CIPHERTEXTS)],
        }
        for index, one in enumerate(others)
    ]
    return json.dumps({"message_id": str(uuid4()), "envelopes": envelopes}).encode()
