"""Serializer fields and the base serializer of the API."""

import base64
import binascii
import re
from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from semafore.kernel import clock


def encode(value: bytes) -> str:
    """Base64 as the API writes it."""
    return base64.b64encode(value).decode()


MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields it doesn't know (api.md)."""

    def to_internal_value(self, data: Any) -> Any:
        """The validated fields. Raises ValidationError with code `unknown_field`."""
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                raise serializers.ValidationError(
                    {
                        str(name)[:100]: serializers.ErrorDetail(
                            "This field is not known.", code="unknown_field"
                        )
                        for name in unknown[:20]
                    }
                )
        return super().to_internal_value(data)


class StrictIntegerField(serializers.IntegerField):
    """A JSON integer; neither "7" nor 7.0 nor true."""

    def to_internal_value(self, data: Any) -> int:
        """The number. Raises ValidationError `invalid`, `min_value`, `max_value`."""
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """A JSON boolean; neither "yes" nor 1."""

    def to_internal_value(self, data: Any) -> bool:
        """The boolean. Raises ValidationError `invalid`."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictUUIDField(serializers.UUIDField):
    """An id in its one spelling, lower or upper case; neither 7 nor urn:uuid:… nor {…}."""

    def to_internal_value(self, data: Any) -> UUID:
        """The id. Raises ValidationError `invalid`."""
        if not isinstance(data, str) or UUID_TEXT.fullmatch(data) is None:
            self.fail("invalid", value=data)
        return UUID(data)


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentField(serializers.DateTimeField):
    """A moment in RFC 3339 with its offset: without one it would be somebody's guess."""

    def to_internal_value(self, value: Any) -> datetime:
        """The moment, aware. Raises ValidationError `invalid`."""
        if not isinstance(value, str) or MOMENT.fullmatch(value) is None:
            self.fail("invalid", format="RFC 3339 with Z or an offset")
        return super().to_internal_value(value)


@extend_schema_field(OpenApiTypes.BYTE)
class Base64Field(serializers.Field[bytes, str, str, bytes]):
    """Standard base64 with padding, in its one canonical spelling, to bytes."""

    default_error_messages = {
        "not_base64": "Not standard base64 with padding.",
        "wrong_length": "Must be {length} bytes, not {actual}.",
    }

    def __init__(self, *, length: int | None = None, max_length: int = 4096, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.length = length
        self.max_length = max_length

    def to_internal_value(self, data: Any) -> bytes:
        """The bytes. Raises ValidationError `not_base64` or `wrong_length`."""
        if not isinstance(data, str) or len(data) > 2 * self.max_length:
            self.fail("not_base64")
        try:
            value = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            self.fail("not_base64")
        # Stray bits in the last character would give one key many spellings.
        if encode(value) != data:
            self.fail("not_base64")
        if self.length is not None and len(value) != self.length:
            self.fail("wrong_length", length=self.length, actual=len(value))
        return value

    def to_representation(self, value: bytes) -> str:
        """Base64."""
        return encode(value)


@extend_schema_field(OpenApiTypes.DATETIME)
class UtcField(serializers.Field[datetime, str, str, datetime]):
    """A moment, written in RFC 3339 in UTC with `Z`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: datetime) -> str:
        """The text."""
        return clock.rfc3339(value)
