"""Devices, their people, their sign-in, and what they should know of the server."""

from typing import Any

from rest_framework import serializers

from keys.models import Device
from orgs.models import MaintenanceKind, Membership, Organisation
from semafore.kernel.http.fields import Base64Field, StrictSerializer, StrictUUIDField, UtcField


class ChallengeRequestSerializer(StrictSerializer):
    """Body of `POST auth/challenge`."""

    device_id = StrictUUIDField()


class ChallengeSerializer(serializers.Serializer[Any]):
    """32 bytes to be signed."""

    challenge = Base64Field()
    expires_at = UtcField()


class TokenRequestSerializer(StrictSerializer):
    """Body of `POST auth/token`."""

    device_id = StrictUUIDField()
    challenge = Base64Field(length=32)
    signature = Base64Field()


class TokenSerializer(serializers.Serializer[Any]):
    """An access token, good for `expires_in` seconds."""

    access_token = serializers.CharField()
    expires_in = serializers.IntegerField()


class DeviceSerializer(serializers.ModelSerializer[Device]):
    """A device as its owner sees it."""

    identity_key = Base64Field(read_only=True)
    enrolled_at = UtcField()

    class Meta:
        model = Device
        fields = (
            "id",
            "name",
            "platform",
            "registration_id",
            "identity_key",
            "status",
            "enrolled_at",
            "last_seen_on",
        )
        read_only_fields = fields


class DevicesSerializer(serializers.Serializer[Any]):
    """A person's devices."""

    results = DeviceSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    """A membership as its person sees it."""

    class Meta:
        model = Membership
        fields = ("id", "name", "kind", "role", "unit", "status", "ends_at")
        read_only_fields = fields


class OrganisationSerializer(serializers.ModelSerializer[Organisation]):
    """An organisation as its people see it."""

    class Meta:
        model = Organisation
        fields = ("id", "name")
        read_only_fields = fields


class MeSerializer(serializers.Serializer[Any]):
    """Who the token's holder is."""

    device = DeviceSerializer()
    membership = MembershipSerializer()
    organisation = OrganisationSerializer()


class MaintenanceSerializer(serializers.Serializer[Any]):
    """A window that lies ahead, or has begun."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=MaintenanceKind.choices)
    starts_at = UtcField()
    ends_at = UtcField()


class ConfigSerializer(serializers.Serializer[Any]):
    """What a device needs to know before it signs in."""

    server_time = UtcField()
    events_url = serializers.CharField()
    spk_max_age_hours = serializers.IntegerField()
    spk_grace_period_hours = serializers.IntegerField()
    replenishment_threshold = serializers.IntegerField()
    one_time_pre_key_batch_max = serializers.IntegerField()
    envelope_max_bytes = serializers.IntegerField()
    envelopes_max = serializers.IntegerField()
    room_max_devices = serializers.IntegerField()
    capabilities = serializers.ListField(child=serializers.CharField())
    min_app_version = serializers.CharField()
    maintenance = MaintenanceSerializer(many=True)
