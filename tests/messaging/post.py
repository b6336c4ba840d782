"""Mailboxes of the cast, by REST and at the service."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

from keys.selectors.credentials import credential_of
from messaging.models import Room
from messaging.services.mailbox import acknowledge, take
from messaging.services.relay import Accepted, Upload, send
from messaging.uploads import EnvelopeUpload
from realtime.services import take_place
from semafore.kernel.actor import SYSTEM, Actor, ActorKind, acting_as
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.wire import JsonObject
from tests.cast import Phone


@contextmanager
def inside(phone: Phone) -> Iterator[None]:
    """The phone's organisation, as the phone."""
    with organisation_scope(phone.device.organisation_id), acting_as(actor(phone)):
        yield


def actor(phone: Phone) -> Actor:
    return Actor(
        kind=ActorKind.DEVICE, id=phone.id, label="", membership_id=phone.device.membership_id
    )


def say(
    sender: Phone,
    room: Room,
    to: Sequence[Phone],
    *ciphertexts: bytes,
    message_id: UUID | None = None,
) -> Accepted:
    """Send a message by the service; with several ciphertexts, one for each device in turn."""
    with inside(sender):
        return send(
            credential=credential_of(sender.reload()),
            room_id=room.id,
            upload=Upload(
                message_id=message_id or uuid4(),
                envelopes=[
                    EnvelopeUpload(
                        device_id=one.id,
                        registration_id=one.device.registration_id,
                        suite="x3dh-25519",
                        type="message",
                        ciphertext=ciphertexts[count % len(ciphertexts)],
                    )
                    for count, one in enumerate(to)
                ],
            ),
        )


def mailbox(phone: Phone, **query: Any) -> JsonObject:
    """`GET mailbox`."""
    words = "&".join(f"{name}={value}" for name, value in query.items())
    return phone.api._send("GET", f"mailbox?{words}")


def ack(phone: Phone, envelope_ids: Sequence[str]) -> int:
    """`POST mailbox/ack`."""
    body = {"envelope_ids": list(envelope_ids)}
    return int(phone.api._send("POST", "mailbox/ack", body)["acknowledged"])


def connect(phone: Phone) -> int:
    """The serial of a new connection."""
    with organisation_scope(phone.device.organisation_id), acting_as(SYSTEM):
        return take_place(device_id=phone.id)


def taken(phone: Phone, serial: int | None, **how: int) -> list[bytes]:
    """The ciphertexts that a look of the phone's socket gets."""
    with organisation_scope(phone.device.organisation_id), acting_as(SYSTEM):
        batch = take({phone.id: serial}, **how).get(phone.id)
    return [bytes(one.ciphertext) for one in batch.envelopes] if batch else []


def taken_ids(phone: Phone, serial: int | None, **how: int) -> list[UUID]:
    with organisation_scope(phone.device.organisation_id), acting_as(SYSTEM):
        batch = take({phone.id: serial}, **how).get(phone.id)
    return [one.envelope_id for one in batch.envelopes] if batch else []


def acknowledged(phone: Phone, envelope_ids: Sequence[UUID]) -> int:
    with inside(phone):
        return acknowledge(device=actor(phone), envelope_ids=envelope_ids)
