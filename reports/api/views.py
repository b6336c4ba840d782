"""The three reports for programs: each call is an event that says why."""

from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api.views import ReaderAPIView
from reports.api.serializers import (
    AskSerializer,
    GraphQuerySerializer,
    GraphReportSerializer,
    MembershipQuerySerializer,
    MembershipReportSerializer,
    TimingQuerySerializer,
    TimingReportSerializer,
)
from reports.drawing.graphml import graphml
from reports.questions import Question
from reports.selectors.graph import communication_graph
from reports.selectors.kept import default_days
from reports.selectors.membership import changes, present
from reports.selectors.timing import timing
from reports.services.asking import answer_report
from semafore.kernel.http.renderers import TextRenderer
from semafore.kernel.paging import Page
from semafore.kernel.permissions import Permission

S = TypeVar("S", bound=AskSerializer)


class GraphmlRenderer(TextRenderer):
    """A graph for other programs."""

    media_type = "application/graphml+xml"
    format = "graphml"


class ReportAPIView(ReaderAPIView):
    """Reads the query; the reader is whoever issued the token, who isn't reported on either."""

    requires = Permission.INVESTIGATE

    def asked(self, serializer: type[S]) -> S:
        """The valid query. Raises ValidationError."""
        query = serializer(data=self.request.query_params.dict())
        query.is_valid(raise_exception=True)
        return query

    def why(self, query: AskSerializer) -> dict[str, Any]:
        """Who asks, and for what reason."""
        typed = query.validated_data
        return {
            "reason": typed["reason"],
            "case_reference": typed["case_reference"],
            "reader": self.reader,
        }


class GraphView(ReportAPIView):
    """Who exchanged messages with whom."""

    renderer_classes = (JSONRenderer, GraphmlRenderer)

    @extend_schema(
        operation_id="report_communication_graph",
        parameters=[GraphQuerySerializer],
        responses={
            (200, "application/json"): GraphReportSerializer,
            (200, "application/graphml+xml"): OpenApiTypes.STR,
        },
    )
    def get(self, request: Request) -> Response:
        """One hop from a person, a room or a party; at most 50 people beside that person."""
        query = self.asked(GraphQuerySerializer)
        question = query.question(days=default_days())
        form = request.accepted_renderer.format
        graph = answer_report(
            question=question, form=form, read=communication_graph, **self.why(query)
        )
        if form == GraphmlRenderer.format:
            return Response(graphml(graph))
        ties = [tie for edge in graph.edges for tie in edge.ties]
        return Response(
            GraphReportSerializer({"question": question, "graph": graph, "ties": ties}).data
        )


class TimingView(ReportAPIView):
    """When messages were sent."""

    @extend_schema(
        operation_id="report_timing",
        parameters=[TimingQuerySerializer],
        responses=TimingReportSerializer,
    )
    def get(self, _request: Request) -> Response:
        """Messages sent by a person, in a room or in all, by hour and day of the week."""
        query = self.asked(TimingQuerySerializer)
        question = query.question(days=default_days())
        found = answer_report(question=question, form="json", read=timing, **self.why(query))
        return Response(TimingReportSerializer({"question": question, "timing": found}).data)


class MembershipView(ReportAPIView):
    """Who was there, and what changed."""

    @extend_schema(
        operation_id="report_membership",
        parameters=[MembershipQuerySerializer],
        responses=MembershipReportSerializer,
    )
    def get(self, _request: Request) -> Response:
        """Who was in a room or the organisation at a moment, by name; or the changes, newest first.

        A page; `cursor` asks for the next one. Each page is an event.
        """
        query = self.asked(MembershipQuerySerializer)
        question = query.question(days=default_days())
        part, limit = query.validated_data["part"], query.validated_data["limit"]
        cursor = query.validated_data.get("cursor")

        def read(asked: Question) -> Page[Any]:
            of = present if part == "people" else changes
            return of(asked, cursor=cursor, limit=limit)

        page = answer_report(question=question, form="json", read=read, **self.why(query))
        answer = {"at": question.at, "people": [], "changes": [], part: page.rows}
        return Response(MembershipReportSerializer({**answer, "next": page.next}).data)
