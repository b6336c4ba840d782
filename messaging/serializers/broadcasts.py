"""Broadcasts as devices send them, and what they get for them."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from messaging.models import Broadcast
from messaging.serializers.messages import (
    EnvelopeListSerializer,
    EnvelopeSerializer,
    MessageSerializer,
)


class BroadcastSerializer(serializers.Serializer[Broadcast]):
    """What its parts and its end are named by."""

    id = serializers.UUIDField()


class PartSerializer(MessageSerializer):
    """Body of `POST broadcasts/{id}/envelopes`: as a message, for at least one device."""

    envelopes = EnvelopeListSerializer(
        child=EnvelopeSerializer(), allow_empty=False, max_length=settings.ENVELOPES_MAX
    )


class FinishedSerializer(serializers.Serializer[Any]):
    """The devices that should have got the broadcast and didn't."""

    not_reached = serializers.ListField(child=serializers.UUIDField())
