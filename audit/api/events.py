"""Events in the order of the log, one event opened, its proof."""

from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api.serializers import (
    EventQuerySerializer,
    EventsSerializer,
    OpenedEventSerializer,
    event_shown,
    line_shown,
)
from audit.api.views import ReaderAPIView
from audit.services.reading import follow_events, take_proof, view_event
from semafore.kernel.http.renderers import TextRenderer
from semafore.kernel.permissions import Permission

TEXT = {(200, "text/plain"): OpenApiTypes.STR}
SOON = {"Retry-After": "1"}
"""Seconds until an event usually stands under a checkpoint."""


class EventsView(ReaderAPIView):
    """The events of the log."""

    requires = Permission.AUDIT_READ

    @extend_schema(
        operation_id="audit_events", parameters=[EventQuerySerializer], responses=EventsSerializer
    )
    def get(self, request: Request) -> Response:
        """Those that fit, the oldest first; go on with `next`, on an empty page too, later."""
        asked = EventQuerySerializer(data=once_each(request))
        asked.is_valid(raise_exception=True)
        found = follow_events(
            reader=self.reader,
            chosen=asked.chosen(),
            cursor=asked.validated_data.get("cursor"),
            limit=asked.validated_data["limit"],
        )
        shown = [line_shown(line, found.leaves[line.row.seq]) for line in found.lines]
        return Response(EventsSerializer({"results": shown, "next": found.next}).data)


def once_each(request: Request) -> dict[str, str]:
    """The address's parameters. Raises ValidationError for one that is given twice."""
    twice = {
        name: serializers.ErrorDetail("Give this once.", code="given_twice")
        for name, values in request.query_params.lists()
        if len(values) > 1
    }
    if twice:
        raise serializers.ValidationError(twice)
    return request.query_params.dict()


class EventView(ReaderAPIView):
    """One event."""

    requires = Permission.AUDIT_READ

    @extend_schema(operation_id="audit_event", responses=OpenedEventSerializer)
    def get(self, _request: Request, event_id: UUID) -> Response:
        """What is left of it, and what its leaf is computed from."""
        found = view_event(event_id=event_id, reader=self.reader)
        return Response(OpenedEventSerializer(event_shown(found)).data)


class EventProofView(ReaderAPIView):
    """The proof of an event."""

    requires = Permission.AUDIT_READ
    renderer_classes = (TextRenderer,)

    @extend_schema(
        operation_id="audit_event_proof",
        responses={**TEXT, 202: OpenApiResponse(description="Not yet under a checkpoint.")},
    )
    def get(self, _request: Request, event_id: UUID) -> Response:
        """A C2SP tlog-proof; `extra` opens the event. 202 while it isn't under a checkpoint."""
        proof = take_proof(event_id=event_id, reader=self.reader)
        if proof is None:
            return Response(status=202, headers=SOON)
        return Response(proof.text)
