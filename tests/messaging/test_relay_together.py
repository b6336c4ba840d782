"""Sending, many at once, in a database that commits."""

from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from keys.selectors.credentials import credential_of
from messaging.models import Envelope, Message
from messaging.services import relay
from messaging.uploads import EnvelopeUpload
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.at_once import at_once
from tests.messaging import talk

pytestmark = pytest.mark.usefixtures("committed")


def send(sender: cast.Phone, room_id: UUID, message_id: UUID, to: cast.Phone, text: bytes) -> Any:
    """Send this to one device, in the calling thread."""
    credential = credential_of(sender.reload())
    envelope = EnvelopeUpload(to.id, to.device.registration_id, "x3dh-25519", "message", text)
    with organisation_scope(credential.organisation_id), acting_as(credential.actor(SYSTEM)):
        return relay.send(
            credential=credential,
            room_id=room_id,
            upload=relay.Upload(message_id=message_id, envelopes=[envelope]),
        )


def test_the_same_message_eight_times_at_once_is_accepted_once(committed: None) -> None:
    acme = cast.organisation("Acme")
    alice, bob = cast.member(acme, "Alice"), cast.member(acme, "Bob")
    alices, bobs = cast.phone(alice), cast.phone(bob)
    room = talk.group(acme, alice, bob)

    for _ in range(10):
        message_id = uuid4()
        acts = [
            partial(send, alices, room.id, message_id, bobs, bytes([number + 1]))
            for number in range(8)
        ]
        answers = at_once(*acts)
        assert len({answer.receipt for answer in answers}) == 1, answers

    with cast.inside(acme):
        assert Message.objects.count() == Envelope.objects.count() == 10
    assert len(cast.events(acme, "message.accepted")) == 10
