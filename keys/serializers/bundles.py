"""A device's own bundle: what it uploads, and the status it gets."""

import base64
from typing import Any

from rest_framework import serializers

from keys.curve import PUBLIC_KEY_LENGTH
from keys.selectors.bundles import BundleStatus
from keys.uploads import KEY_ID_MAX, OneTimePreKeyUpload, SignedPreKeyUpload
from semafore.kernel.clock import rfc3339
from semafore.kernel.http.fields import (
    Base64Field,
    StrictIntegerField,
    StrictSerializer,
    UtcField,
    encode,
)


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


class OneTimePreKeyListSerializer(serializers.ListSerializer[Any]):
    """A batch, read at once: a hundred serializers of two fields cost more than their insert."""

    def to_internal_value(self, data: Any) -> Any:
        """The keys. Anything that isn't plainly right goes DRF's way, which names each error."""
        if isinstance(data, list):  # an empty object or text is none, though it reads like one
            try:
                return [_plain_key(**item) for item in data]
            except (TypeError, ValueError):
                pass
        return super().to_internal_value(data)


def _plain_key(*, key_id: object, public_key: object) -> dict[str, Any]:
    """A well-formed key. Raises TypeError or ValueError for what needs a closer look."""
    if type(key_id) is not int or not 1 <= key_id <= KEY_ID_MAX or type(public_key) is not str:
        raise ValueError
    value = base64.b64decode(public_key, validate=True)
    if len(value) != PUBLIC_KEY_LENGTH or encode(value) != public_key:
        raise ValueError
    return {"key_id": key_id, "public_key": value}


class OneTimePreKeySerializer(StrictSerializer):
    """A one-time pre-key being uploaded."""

    key_id = KeyIdField()
    public_key = Base64Field()

    class Meta:
        list_serializer_class = OneTimePreKeyListSerializer


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


# For the document: `render_status` writes it.
class BundleStatusSerializer(serializers.Serializer[Any]):
    """The owner's view of its bundle."""

    identity_key = Base64Field()
    signed_pre_key = SignedPreKeyStatusSerializer(allow_null=True)
    previous_signed_pre_keys = PreviousSignedPreKeyStatusSerializer(many=True)
    one_time_pre_keys = OneTimePreKeyStatusSerializer()
    digest = Base64Field()


def render_status(status: BundleStatus) -> dict[str, Any]:
    """The JSON of a bundle's status. By hand: serializers would cost as much as the upload."""
    signed, stock = status.signed_pre_key, status.one_time_pre_keys
    return {
        "identity_key": encode(status.identity_key),
        "signed_pre_key": {
            "key_id": signed.key_id,
            "uploaded_at": rfc3339(signed.uploaded_at),
            "expires_at": rfc3339(signed.expires_at),
            "expired": signed.expired,
        }
        if signed
        else None,
        "previous_signed_pre_keys": [
            {"key_id": key.key_id, "expires_at": rfc3339(key.expires_at)}
            for key in status.previous_signed_pre_keys
        ],
        "one_time_pre_keys": {
            "available": stock.available,
            "available_ranges": stock.available_ranges,
            "highest_key_id": stock.highest_key_id,
        },
        "digest": encode(status.digest),
    }
