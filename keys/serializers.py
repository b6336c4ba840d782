"""Shape and validity of what devices send and get (api.md)."""

import base64
from typing import Any

from django.conf import settings
from rest_framework import serializers

from keys.models import Device
from keys.services.claiming import ClaimedBundle
from keys.uploads import KEY_ID_MAX, SUITE, OneTimePreKeyUpload, SignedPreKeyUpload
from orgs.models import Membership, Organisation
from semafore.kernel.clock import rfc3339
from semafore.kernel.http.fields import (
    Base64Field,
    StrictIntegerField,
    StrictSerializer,
    UtcField,
)

BULK_MAX = 100


class KeyIdField(StrictIntegerField):
    """1 to 2^31-1."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=KEY_ID_MAX, **kwargs)


class SignedPreKeySerializer(StrictSerializer):
    """A signed pre-key being uploaded."""

    key_id = KeyIdField()
    public_key = Base64Field()
    signature = Base64Field()

    def to_upload(self) -> SignedPreKeyUpload:
        """For the service."""
        return SignedPreKeyUpload(**self.validated_data)


class OneTimePreKeySerializer(StrictSerializer):
    """A one-time pre-key being uploaded."""

    key_id = KeyIdField()
    public_key = Base64Field()


class PublishSerializer(StrictSerializer):
    """Body of `PUT key-bundles/{deviceID}`."""

    identity_key = Base64Field()
    signed_pre_key = SignedPreKeySerializer(required=False)
    one_time_pre_keys = OneTimePreKeySerializer(many=True, required=False)

    def signed_upload(self) -> SignedPreKeyUpload | None:
        """The signed pre-key, if one was sent."""
        sent = self.validated_data.get("signed_pre_key")
        return SignedPreKeyUpload(**sent) if sent else None

    def one_time_uploads(self) -> list[OneTimePreKeyUpload]:
        """The batch."""
        return [
            OneTimePreKeyUpload(**key) for key in self.validated_data.get("one_time_pre_keys", [])
        ]


class SignedPreKeyStatusSerializer(serializers.Serializer[Any]):
    """The owner's view of its current signed pre-key."""

    key_id = serializers.IntegerField()
    uploaded_at = UtcField()
    expires_at = UtcField()
    expired = serializers.BooleanField()


class PreviousSignedPreKeyStatusSerializer(serializers.Serializer[Any]):
    """The owner's view of a superseded one in its grace."""

    key_id = serializers.IntegerField()
    expires_at = UtcField()


class OneTimePreKeyStatusSerializer(serializers.Serializer[Any]):
    """The owner's view of its stock."""

    available = serializers.IntegerField()
    available_ranges = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2)
    )
    highest_key_id = serializers.IntegerField()


class BundleStatusSerializer(serializers.Serializer[Any]):
    """The owner's view of its bundle."""

    identity_key = Base64Field()
    signed_pre_key = SignedPreKeyStatusSerializer(allow_null=True)
    previous_signed_pre_keys = PreviousSignedPreKeyStatusSerializer(many=True)
    one_time_pre_keys = OneTimePreKeyStatusSerializer()
    digest = Base64Field()


class BundleSignedPreKeySerializer(serializers.Serializer[Any]):
    """The current signed pre-key in a claimed bundle."""

    key_id = serializers.IntegerField()
    public_key = Base64Field()
    signature = Base64Field()


class BundlePreviousSignedPreKeySerializer(BundleSignedPreKeySerializer):
    """A superseded one in its grace in a claimed bundle."""

    expires_at = UtcField()


class BundleOneTimePreKeySerializer(serializers.Serializer[Any]):
    """The one-time pre-key in a claimed bundle."""

    key_id = serializers.IntegerField()
    public_key = Base64Field()


class EndorsementSerializer(serializers.Serializer[Any]):
    """Another approved device of the same person vouches for the identity key."""

    device_id = serializers.UUIDField()
    signature = Base64Field()


class LogPositionSerializer(serializers.Serializer[Any]):
    """The event that approved the device; `index` is null until it is sequenced."""

    index = serializers.IntegerField(allow_null=True)
    leaf = Base64Field()


class BundleSerializer(serializers.Serializer[Any]):
    """A claimed bundle. For the document; `render_bundle` writes it."""

    device_id = serializers.UUIDField()
    registration_id = serializers.IntegerField()
    identity_key = Base64Field()
    signed_pre_key = BundleSignedPreKeySerializer()
    previous_signed_pre_keys = BundlePreviousSignedPreKeySerializer(many=True)
    one_time_pre_key = BundleOneTimePreKeySerializer(allow_null=True)
    suite = serializers.ChoiceField(choices=[SUITE])
    endorsement = EndorsementSerializer(allow_null=True)
    log = LogPositionSerializer()


class BulkClaimSerializer(StrictSerializer):
    """Body of `POST key-bundles/claim`."""

    device_ids = serializers.ListField(
        child=serializers.UUIDField(), min_length=1, max_length=BULK_MAX
    )

    def validate_device_ids(self, value: list[Any]) -> list[Any]:
        """Each device once."""
        if len(set(value)) < len(value):
            raise serializers.ValidationError("A device stands twice.", code="not_distinct")
        return value


class ClaimErrorSerializer(serializers.Serializer[Any]):
    """Why one device's bundle was not given."""

    code = serializers.CharField()
    retry_after = serializers.IntegerField(required=False)


class BulkClaimResultSerializer(serializers.Serializer[Any]):
    """Either `bundle` or `error`."""

    device_id = serializers.UUIDField()
    bundle = BundleSerializer(required=False)
    error = ClaimErrorSerializer(required=False)


class BulkClaimResultsSerializer(serializers.Serializer[Any]):
    """In the order asked."""

    results = BulkClaimResultSerializer(many=True)


class ChallengeRequestSerializer(StrictSerializer):
    """Body of `POST auth/challenge`."""

    device_id = serializers.UUIDField()


class ChallengeSerializer(serializers.Serializer[Any]):
    """32 bytes to be signed."""

    challenge = Base64Field()
    expires_at = UtcField()


class TokenRequestSerializer(StrictSerializer):
    """Body of `POST auth/token`."""

    device_id = serializers.UUIDField()
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


class ConfigSerializer(serializers.Serializer[Any]):
    """What a device needs to know before it signs in."""

    server_time = UtcField()
    events_url = serializers.CharField()
    spk_max_age_hours = serializers.IntegerField()
    spk_grace_period_hours = serializers.IntegerField()
    replenishment_threshold = serializers.IntegerField()
    one_time_pre_key_batch_max = serializers.IntegerField()
    capabilities = serializers.ListField(child=serializers.CharField())
    min_app_version = serializers.CharField()


def render_bundle(claimed: ClaimedBundle) -> dict[str, Any]:
    """The JSON of a claimed bundle. By hand: a serializer would cost as much as the claim."""
    device, current = claimed.device, claimed.device.signed_pre_key
    if current is None:
        message = "a bundle without a signed pre-key was claimed"
        raise AssertionError(message)
    key = claimed.one_time_pre_key
    endorsement = device.endorsement
    return {
        "device_id": str(device.id),
        "registration_id": device.registration_id,
        "identity_key": encode(device.identity_key),
        "signed_pre_key": {
            "key_id": current.key_id,
            "public_key": encode(current.public_key),
            "signature": encode(current.signature),
        },
        "previous_signed_pre_keys": [
            {
                "key_id": previous.key_id,
                "public_key": encode(previous.public_key),
                "signature": encode(previous.signature),
                "expires_at": rfc3339(previous.superseded_at + settings.SPK_GRACE_PERIOD),
            }
            for previous in claimed.previous_signed_pre_keys
            if previous.superseded_at is not None
        ],
        "one_time_pre_key": {"key_id": key[0], "public_key": encode(key[1])} if key else None,
        "suite": SUITE,
        "endorsement": {
            "device_id": str(endorsement.device_id),
            "signature": encode(endorsement.signature),
        }
        if endorsement
        else None,
        "log": {"index": None, "leaf": encode(device.approval_leaf)},
    }


def encode(value: bytes) -> str:
    """Base64 as the API writes it."""
    return base64.b64encode(value).decode()
