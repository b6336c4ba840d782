"""The log as devices see it."""

from typing import Any

from rest_framework import serializers

from audit.selectors.proofs import Consistency
from keys.selectors.log import PublishedLog
from keys.services.log import Verdict
from semafore.kernel.http.fields import Base64Field, StrictSerializer

NOTE_MAX = 8192
"""Characters of a signed note: room for some dozen witnesses."""

SIZE_MAX = 2**53 - 1


class PublishedLogSerializer(serializers.Serializer[PublishedLog]):
    """The newest checkpoint (signed note), and the vkeys that verify checkpoints and receipts."""

    checkpoint = serializers.CharField()
    vkeys = serializers.ListField(child=serializers.CharField())
    receipt_vkeys = serializers.ListField(child=serializers.CharField())


class SizesSerializer(StrictSerializer):
    """`from` and `to` of the address: two sizes at which checkpoints were published."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`from` is a word of Python's."""
        return {
            "from": serializers.IntegerField(min_value=1, max_value=SIZE_MAX),
            "to": serializers.IntegerField(min_value=1, max_value=SIZE_MAX, required=False),
        }


class ConsistencySerializer(serializers.Serializer[Consistency]):
    """The hashes of RFC 6962, section 2.1.2, in its order."""

    to = serializers.IntegerField(source="new.size")
    hashes = serializers.ListField(child=Base64Field())

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`from` is a word of Python's."""
        return {"from": serializers.IntegerField(source="old.size"), **super().get_fields()}


class SeenSerializer(StrictSerializer):
    """Body of `POST log/seen`."""

    checkpoint = serializers.CharField(max_length=NOTE_MAX, trim_whitespace=False)


class VerdictSerializer(serializers.Serializer[Verdict]):
    """`lost`: it can't be compared, since a restore lost its entries, as the log declares."""

    consistent = serializers.BooleanField()
    lost = serializers.BooleanField()
