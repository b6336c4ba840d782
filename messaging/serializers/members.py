"""People and their devices, as peers see them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from keys.models import Device, DeviceStatus
from keys.serializers.claims import EndorsementSerializer
from orgs.models import Membership
from semafore.kernel.http.fields import Base64Field


class PeerDeviceSerializer(serializers.ModelSerializer[Device]):
    """A device that messages are encrypted for; `membership_id` is its person's."""

    membership_id = serializers.UUIDField(read_only=True)
    identity_key = Base64Field(read_only=True)
    endorsement = serializers.SerializerMethodField()

    class Meta:
        model = Device
        fields = ("id", "membership_id", "registration_id", "identity_key", "endorsement")
        read_only_fields = fields

    @extend_schema_field(EndorsementSerializer(allow_null=True))
    def get_endorsement(self, device: Device) -> dict[str, Any] | None:
        """Which other approved device of the person vouches for the identity key."""
        endorser = device.endorser
        if endorser is None or endorser.status != DeviceStatus.APPROVED:
            return None
        endorsement = {"device_id": endorser.id, "signature": device.endorsement_signature}
        return EndorsementSerializer(endorsement).data


class PersonSerializer(serializers.ModelSerializer[Membership]):
    """Somebody whom the device may message; `party` is a guest's company."""

    party = serializers.CharField(
        source="party.name", default=None, allow_null=True, read_only=True
    )

    class Meta:
        model = Membership
        fields: tuple[str, ...] = ("id", "name", "kind", "unit", "party")
        read_only_fields = fields


class MemberSerializer(PersonSerializer):
    """The same with the devices."""

    devices = PeerDeviceSerializer(many=True, read_only=True)

    class Meta(PersonSerializer.Meta):
        fields = (*PersonSerializer.Meta.fields, "devices")
        read_only_fields = fields


class MembersSerializer(serializers.Serializer[Any]):
    """A page of people."""

    results = MemberSerializer(many=True)
    next = serializers.CharField(allow_null=True)
