"""Exports: asked for, looked after, fetched."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api.views import ReaderAPIView
from audit.commitments import plain
from audit.exports.summary import file_name
from audit.forms.exports import OFFERED
from audit.handing_out import export_file
from audit.models import Export, ExportFormat, ExportStatus
from audit.models.retention import CASE_REFERENCE_LENGTH, REASON_LENGTH
from audit.registry import REGISTRY
from audit.selectors.events import EventFilter
from audit.selectors.exports import export, is_own
from audit.selectors.reading import Reader
from audit.services.exports.downloads import look_at_file, manifest_of
from audit.services.exports.requests import request_export
from semafore.kernel.clock import rfc3339
from semafore.kernel.http.fields import MomentField, StrictSerializer, StrictUUIDField
from semafore.kernel.http.idempotency import IDEMPOTENCY_HEADER, idempotent
from semafore.kernel.http.renderers import BinaryRenderer
from semafore.kernel.permissions import Permission

READS = frozenset({Permission.AUDIT_READ, Permission.AUDIT_READ_TRAFFIC})
"""Whoever may export may read what exports hold (product.md, section 1); so may its scope."""


class FilterSerializer(StrictSerializer):
    """An `EventFilter`; what isn't given may be anything."""

    from_at = MomentField(required=False)
    to_at = MomentField(required=False, help_text="Not included.")
    action = serializers.CharField(required=False, max_length=100, help_text="A type of event.")
    actor = StrictUUIDField(required=False, help_text="A member, or a device of one.")
    target = StrictUUIDField(required=False)
    room = StrictUUIDField(required=False)
    outcome = serializers.CharField(required=False, max_length=20)
    address = serializers.CharField(required=False, max_length=50)
    message = StrictUUIDField(required=False)
    about = StrictUUIDField(required=False)

    def validate_action(self, action: str) -> str:
        """A registered type."""
        if action not in REGISTRY:
            raise serializers.ValidationError("No event is of this type.", code="invalid_choice")
        return action


class ExportRequestSerializer(StrictSerializer):
    """What is to be written, as what, and why."""

    format = serializers.ChoiceField(choices=[one.value for one in OFFERED])
    filter = FilterSerializer(required=False)
    reason = serializers.CharField(max_length=REASON_LENGTH)
    case_reference = serializers.CharField(
        max_length=CASE_REFERENCE_LENGTH, required=False, allow_blank=True, default=""
    )


class ExportSerializer(serializers.Serializer[Any]):
    """How far an export is; for documentation alone."""

    id = serializers.UUIDField()
    format = serializers.ChoiceField(choices=[one.value for one in ExportFormat])
    status = serializers.ChoiceField(choices=[one.value for one in ExportStatus])
    filter = serializers.DictField()
    size = serializers.IntegerField(help_text="Entries of the log that it goes by.")
    stated = serializers.IntegerField(allow_null=True, help_text="Events counted before.")
    done = serializers.IntegerField(help_text="Events written.")
    requested_at = serializers.DateTimeField()
    beat_at = serializers.DateTimeField(help_text="The worker's last sign of life.")
    failure = serializers.CharField(allow_blank=True)
    file_name = serializers.CharField()
    manifest = serializers.DictField(
        allow_null=True, help_text="Once it is done, for whoever asked for it."
    )


def _shown(found: Export, manifest: Any = None) -> dict[str, Any]:
    return {
        "id": str(found.id),
        "format": found.format,
        "status": found.status,
        "filter": found.chosen,
        "size": found.size,
        "stated": found.stated,
        "done": found.done,
        "requested_at": rfc3339(found.requested_at),
        "beat_at": rfc3339(found.beat_at),
        "failure": found.failure,
        "file_name": file_name(found),
        "manifest": plain(manifest),
    }


class ExporterAPIView(ReaderAPIView):
    """Base of the routes of exports."""

    requires = Permission.AUDIT_EXPORT

    @property
    def reader(self) -> Reader:
        """The program, which reads in exports whatever its other scopes."""
        own = super().reader
        return replace(own, permissions=own.permissions | READS)


class ExportsView(ExporterAPIView):
    """Asking for an export."""

    @extend_schema(
        operation_id="audit_export_create",
        parameters=[IDEMPOTENCY_HEADER],
        request=ExportRequestSerializer,
        responses={202: ExportSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Have events up to the newest checkpoint written to a file. Raises ExportInvalid."""
        asked = ExportRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        made = request_export(
            format=ExportFormat(given["format"]),
            chosen=EventFilter(**given.get("filter", {})),
            reader=self.reader,
            reason=given["reason"],
            case_reference=given["case_reference"],
        )
        return Response(_shown(made), status=202)


class ExportView(ExporterAPIView):
    """One export."""

    @extend_schema(operation_id="audit_export", responses=ExportSerializer)
    def get(self, _request: Request, export_id: UUID) -> Response:
        """How far it is. Raises NotFound."""
        found = export(export_id, self.reader)
        if found.status != ExportStatus.DONE or not is_own(found, self.reader):
            return Response(_shown(found))
        handed = look_at_file(export_id=export_id, reader=self.reader)
        return Response(_shown(found, manifest_of(handed)))


class ExportFileView(ExporterAPIView):
    """Its file."""

    renderer_classes = (BinaryRenderer,)

    @extend_schema(
        operation_id="audit_export_file",
        parameters=[
            OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="One range."),
            OpenApiParameter("If-Range", str, OpenApiParameter.HEADER, description="An ETag."),
        ],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (206, "application/octet-stream"): OpenApiTypes.BINARY,
            416: OpenApiResponse(description="The file has no such range."),
        },
    )
    def get(self, request: Request, export_id: UUID) -> HttpResponseBase:
        """Whole, or the range that is asked for; the ETag is its SHA-256. Raises ExportNotReady."""
        return export_file(request._request, export_id, self.reader)  # noqa: SLF001 - DRF's own
