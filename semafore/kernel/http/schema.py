"""OpenAPI: every operation also answers problems."""

from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from semafore.kernel.permissions import Access


class FieldErrorSerializer(serializers.Serializer[Any]):
    """One field that is wrong."""

    field = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457 problem; further members depend on `code` (docs/errors.md)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    request_id = serializers.CharField()
    retry_after = serializers.IntegerField(required=False)
    errors = FieldErrorSerializer(many=True, required=False)  # type: ignore[assignment]


class ProblemAutoSchema(AutoSchema):
    """Adds the problem responses that any operation can give."""

    def get_override_parameters(self) -> list[Any]:
        """None beyond the view's own."""
        return []

    def get_auth(self) -> list[dict[str, list[str]]]:
        """Bearer, but for public views."""
        if getattr(self.view, "requires", None) is Access.PUBLIC:
            return []
        return [{"bearer": []}]

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        problem = self._get_response_for_code(  # type: ignore[no-untyped-call]
            ProblemSerializer, "default", media_types=["application/problem+json"]
        )
        problem["description"] = "Problem (RFC 9457)"
        return {**bodies, "default": problem}
