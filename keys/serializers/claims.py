"""Claimed bundles: the call, the answer, and the document's picture of it."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from keys.models import Suite
from keys.services.claiming import ClaimedBundle
from semafore.kernel.clock import rfc3339
from semafore.kernel.http.fields import (
    Base64Field,
    StrictSerializer,
    StrictUUIDField,
    UtcField,
    encode,
)

BULK_MAX = 100


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


# For the document: `render_bundle` writes it.
class BundleSerializer(serializers.Serializer[Any]):
    """A claimed bundle."""

    device_id = serializers.UUIDField()
    registration_id = serializers.IntegerField()
    identity_key = Base64Field()
    signed_pre_key = BundleSignedPreKeySerializer()
    previous_signed_pre_keys = BundlePreviousSignedPreKeySerializer(many=True)
    one_time_pre_key = BundleOneTimePreKeySerializer(allow_null=True)
    suite = serializers.ChoiceField(choices=Suite.choices)
    endorsement = EndorsementSerializer(allow_null=True)
    log = LogPositionSerializer()


class BulkClaimSerializer(StrictSerializer):
    """Body of `POST key-bundles/claim`."""

    device_ids = serializers.ListField(child=StrictUUIDField(), min_length=1, max_length=BULK_MAX)

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
        "suite": Suite.X3DH_25519.value,
        "endorsement": {
            "device_id": str(endorsement.device_id),
            "signature": encode(endorsement.signature),
        }
        if endorsement
        else None,
        "log": {"index": device.approval_index, "leaf": encode(device.approval_leaf)},
    }
