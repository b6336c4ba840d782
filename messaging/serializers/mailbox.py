"""What waits for a device, as the socket and REST give it, and its acknowledgement."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from keys.models import Suite
from messaging.models import EnvelopeType
from messaging.services.mailbox import IN_FLIGHT_MAX, Waiting
from semafore.kernel.clock import rfc3339
from semafore.kernel.http.fields import (
    Base64Field,
    StrictSerializer,
    StrictUUIDField,
    UtcField,
    encode,
)

AT_ONCE_MAX = IN_FLIGHT_MAX
"""Envelopes of one answer, and of one ack."""


def in_words(one: Waiting) -> dict[str, Any]:
    """An envelope in JSON; by hand, for it is done for each that is delivered."""
    return {
        "envelope_id": str(one.envelope_id),
        "message_id": str(one.message_id),
        "room_id": one.room_id and str(one.room_id),
        "sender_device_id": str(one.sender_device_id),
        "suite": one.suite,
        "envelope_type": one.type,
        "ciphertext": encode(one.ciphertext),
        "accepted_at": rfc3339(one.accepted_at),
    }


class WaitingSerializer(serializers.Serializer[Any]):
    """The same for the OpenAPI document."""

    envelope_id = serializers.UUIDField()
    message_id = serializers.UUIDField()
    room_id = serializers.UUIDField(allow_null=True)
    sender_device_id = serializers.UUIDField()
    suite = serializers.ChoiceField(choices=Suite.choices)
    envelope_type = serializers.ChoiceField(choices=EnvelopeType.choices)
    ciphertext = Base64Field()
    accepted_at = UtcField()


class MailboxSerializer(serializers.Serializer[Any]):
    """The oldest envelopes that wait, and whether others do behind them."""

    envelopes = WaitingSerializer(many=True)
    more = serializers.BooleanField()


class MailboxQuerySerializer(StrictSerializer):
    """Query of `GET mailbox`."""

    limit = serializers.IntegerField(min_value=1, max_value=AT_ONCE_MAX, default=64)


class AckSerializer(StrictSerializer):
    """Body of `POST mailbox/ack`."""

    envelope_ids = serializers.ListField(
        child=StrictUUIDField(), allow_empty=True, max_length=AT_ONCE_MAX
    )

    def envelope_ids_in(self) -> list[UUID]:
        """For the service."""
        ids: list[UUID] = self.validated_data["envelope_ids"]
        return ids


class AcknowledgedSerializer(serializers.Serializer[Any]):
    """How many of them were waiting."""

    acknowledged = serializers.IntegerField()
