"""Messages as devices send them, and what they get for them."""

import base64
import re
from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from keys.models import Suite
from messaging.errors import EnvelopeTooLarge
from messaging.models import EnvelopeType
from messaging.selectors.deliveries import DeliveryStatus, DeviceStatus, MessageStatus
from messaging.services.relay import Accepted, Upload
from messaging.uploads import COMMITMENT_LENGTH, EnvelopeUpload
from semafore.kernel.http.fields import (
    UUID_TEXT,
    Base64Field,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
    UtcField,
    encode,
)

REGISTRATION_ID = (1, 16380)


class EnvelopeListSerializer(serializers.ListSerializer[Any]):
    """A message's envelopes, read at once: fifty serializers cost more than all the rest."""

    def to_internal_value(self, data: Any) -> Any:
        """The envelopes. Anything not plainly right goes DRF's way, which names each error."""
        if isinstance(data, list) and 0 < len(data) <= settings.ENVELOPES_MAX:
            try:
                return [_plain_envelope(item) for item in data]
            except (AttributeError, TypeError, ValueError):
                pass
        return super().to_internal_value(data)


SUITES, TYPES = frozenset(Suite.values), frozenset(EnvelopeType.values)
ENVELOPE_FIELDS = {"device_id", "registration_id", "suite", "type", "ciphertext"}


def _plain_envelope(item: dict[str, Any]) -> EnvelopeUpload:
    """A well-formed envelope. Raises TypeError or ValueError for what needs a closer look."""
    if item.keys() != ENVELOPE_FIELDS:
        raise ValueError
    device_id, registration_id = item["device_id"], item["registration_id"]
    least, most = REGISTRATION_ID
    if registration_id.__class__ is not int or not least <= registration_id <= most:
        raise ValueError
    if UUID_TEXT.fullmatch(device_id) is None:
        raise ValueError
    if item["suite"] not in SUITES or item["type"] not in TYPES:
        raise ValueError
    ciphertext = base64.b64decode(item["ciphertext"], validate=True)
    if (
        not 0 < len(ciphertext) <= settings.ENVELOPE_MAX_BYTES
        or encode(ciphertext) != item["ciphertext"]
    ):
        raise ValueError
    return EnvelopeUpload(
        device_id=UUID(device_id),
        registration_id=registration_id,
        suite=item["suite"],
        type=item["type"],
        ciphertext=ciphertext,
    )


class CiphertextField(Base64Field):
    """At least a byte, at most 96 KiB."""

    default_error_messages = {"empty": "There is no ciphertext."}

    def __init__(self, **kwargs: Any) -> None:
        # Room for the field to decode what it then finds too large.
        super().__init__(max_length=settings.DATA_UPLOAD_MAX_MEMORY_SIZE, **kwargs)

    def to_internal_value(self, data: Any) -> bytes:
        """The bytes. Raises EnvelopeTooLarge, ValidationError."""
        value = super().to_internal_value(data)
        if not value:
            self.fail("empty")
        if len(value) > settings.ENVELOPE_MAX_BYTES:
            raise EnvelopeTooLarge(
                detail=f"A ciphertext has at most {settings.ENVELOPE_MAX_BYTES} bytes."
            )
        return value


class EnvelopeSerializer(StrictSerializer):
    """One device's ciphertext."""

    device_id = StrictUUIDField()
    registration_id = StrictIntegerField(min_value=REGISTRATION_ID[0], max_value=REGISTRATION_ID[1])
    suite = serializers.ChoiceField(choices=Suite.choices)
    type = serializers.ChoiceField(choices=EnvelopeType.choices)
    ciphertext = CiphertextField()

    def to_internal_value(self, data: Any) -> Any:
        """The envelope."""
        return EnvelopeUpload(**super().to_internal_value(data))


class MessageSerializer(StrictSerializer):
    """Body of `POST rooms/{id}/messages`."""

    message_id = StrictUUIDField()
    envelopes = EnvelopeListSerializer(
        child=EnvelopeSerializer(), max_length=settings.ENVELOPES_MAX
    )
    commitment = Base64Field(length=COMMITMENT_LENGTH, required=False)

    def validate_envelopes(self, envelopes: list[EnvelopeUpload]) -> list[EnvelopeUpload]:
        """One a device. Raises ValidationError."""
        if len({one.device_id for one in envelopes}) != len(envelopes):
            raise serializers.ValidationError(
                "A device has more than one envelope.", code="device_twice"
            )
        return envelopes

    def to_upload(self) -> Upload:
        """For the service."""
        return Upload(**self.validated_data)


@extend_schema_field(OpenApiTypes.STR)
class HashField(serializers.Field[bytes, str, str, bytes]):
    """A SHA-256 in an address: hexadecimal, or base64url without padding."""

    default_error_messages = {"invalid": "Not a SHA-256 in hexadecimal or base64url."}

    def to_internal_value(self, data: str) -> bytes:
        """The 32 bytes. Raises ValidationError `invalid`."""
        if re.fullmatch("[0-9a-fA-F]{64}", data):
            return bytes.fromhex(data)
        if re.fullmatch("[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", data):
            return base64.urlsafe_b64decode(f"{data}=")
        return self.fail("invalid")

    def to_representation(self, value: bytes) -> str:
        """Hexadecimal."""
        return value.hex()


class MessageProofQuerySerializer(StrictSerializer):
    """`ciphertext_sha256`: prove of this ciphertext too that it is one of the message's."""

    ciphertext_sha256 = HashField(required=False)


class AcceptedSerializer(serializers.Serializer[Accepted]):
    """When it was accepted, the signed note that says so, and whom it leaves out."""

    accepted_at = UtcField()
    receipt = serializers.CharField()
    skipped = serializers.ListField(child=serializers.UUIDField())


class DeviceStatusSerializer(serializers.Serializer[DeviceStatus]):
    """What became of one device's envelope."""

    device_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=[status.value for status in DeliveryStatus])


class MessageStatusSerializer(serializers.Serializer[MessageStatus]):
    """A message as its sender may see it."""

    accepted_at = UtcField()
    receipt = serializers.CharField()
    devices = DeviceStatusSerializer(many=True)
