"""Looking at a report: as a page, as GraphML, as CSV. Each look is an event."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from audit.exports import tables
from audit.selectors.reading import reader_of
from reports.drawing.graph import draw
from reports.drawing.graphml import graphml
from reports.drawing.heat_map import DAYS, heat_map
from reports.questions import Kind, Question
from reports.selectors.graph import Graph, communication_graph
from reports.selectors.kept import kept_for
from reports.selectors.membership import Change, Present, changes, present
from reports.selectors.timing import timing
from reports.services.asking import Opened, open_report
from semafore.kernel.clock import rfc3339
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.paging import Page
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound

A = TypeVar("A")
R = TypeVar("R")

TITLES = {
    Kind.GRAPH: "Communication graph",
    Kind.TIMING: "Timing",
    Kind.MEMBERSHIP: "Membership",
}
CHANGES = "changes"
AT_ONCE = 1000
"""Rows that a file is read by."""


class OpenedView(ConsoleView):
    """A report that the signed-in person asked for within the last hour."""

    requires = Permission.INVESTIGATE

    def opened(self, report_id: UUID, form: str, read: Callable[[Question], A]) -> Opened[A]:
        """The report with its answer. Raises NotFound, NotPermitted, ReportClosed."""
        reader = reader_of(self.seat)
        return open_report(report_id=report_id, reader=reader, form=form, read=read)


class ReportView(OpenedView):
    """A report as a page."""

    def get(self, request: HttpRequest, report_id: UUID) -> HttpResponse:
        """Draw it. Raises NotFound, NotPermitted, ReportClosed."""

        def read(question: Question) -> dict[str, Any]:
            match question.kind:
                case Kind.GRAPH:
                    return _graph(question)
                case Kind.TIMING:
                    return _timing(question)
                case Kind.MEMBERSHIP:
                    return _membership(question, request)

        report = self.opened(report_id, "page", read)
        context = {
            "title": f"{TITLES[report.question.kind]}: {report.about.words}",
            "report": report,
            "question": report.question,
            **report.answer,
        }
        template = f"console/reports/{report.question.kind.replace('-', '_')}.html"
        return self.page(request, template, context)


def _graph(question: Question) -> dict[str, Any]:
    graph = communication_graph(question)
    return {"graph": graph, "drawing": draw(graph), "kept": kept_for(question)}


def _timing(question: Question) -> dict[str, Any]:
    found = timing(question)
    return {
        "timing": found,
        "share": round(100 * (found.share or 0), 1),
        "work_days": ", ".join(DAYS[day - 1] for day in question.work_days),
        "map": heat_map(found, question),
        "kept": kept_for(question),
    }


def _membership(question: Question, request: HttpRequest) -> dict[str, Any]:
    cursor, changed = request.GET.get("cursor"), request.GET.get("tab") == CHANGES
    page: Page[Any] = (changes if changed else present)(question, cursor=cursor)
    return {"page": page, "changed": changed, "kept": kept_for(question)}


class GraphmlView(OpenedView):
    """A communication graph as GraphML."""

    def get(self, _request: HttpRequest, report_id: UUID) -> HttpResponse:
        """The file. Raises NotFound, for a report of another kind too."""

        def read(question: Question) -> Graph:
            _check(question, Kind.GRAPH)
            return communication_graph(question)

        report = self.opened(report_id, "graphml", read)
        return _file(
            graphml(report.answer), "application/graphml+xml", f"graph-{report_id}.graphml"
        )


class PeopleView(OpenedView):
    """Who was there, as CSV."""

    def get(self, _request: HttpRequest, report_id: UUID) -> HttpResponse:
        """The file. Raises NotFound, for a report of another kind too."""
        people = self.opened(report_id, "csv", lambda question: _every(present, question)).answer
        columns = ("name", "kind", "party", "unit", "role", "since", "standing", "membership_id")
        rows = [_person(one) for one in people]
        return _file(
            tables.header(columns) + tables.lines(rows), "text/csv", f"people-{report_id}.csv"
        )


class ChangesView(OpenedView):
    """What changed, as CSV."""

    def get(self, _request: HttpRequest, report_id: UUID) -> HttpResponse:
        """The file. Raises NotFound, for a report of another kind too."""
        found = self.opened(report_id, "csv", lambda question: _every(changes, question)).answer
        columns = ("at", "what", "text", "name", "membership_id", "by", "by_id")
        rows = [_change(one) for one in found]
        return _file(
            tables.header(columns) + tables.lines(rows), "text/csv", f"changes-{report_id}.csv"
        )


def _every(read: Callable[..., Page[R]], question: Question) -> list[R]:
    """All pages."""
    _check(question, Kind.MEMBERSHIP)
    return [row for page in _pages(read, question) for row in page.rows]


def _pages(read: Callable[..., Page[R]], question: Question) -> Iterator[Page[R]]:
    cursor = None
    while True:
        page = read(question, cursor=cursor, limit=AT_ONCE)
        yield page
        cursor = page.next
        if cursor is None:
            return


def _check(question: Question, kind: Kind) -> None:
    if question.kind is not kind:
        raise NotFound


def _person(one: Present) -> list[str]:
    person = one.person
    since = rfc3339(one.since)
    return [
        one.name,
        person.kind,
        one.party,
        person.unit,
        one.role,
        since,
        one.standing,
        str(person.id),
    ]


def _change(one: Change) -> list[str]:
    ids = [str(one.person_id or ""), one.actor, str(one.by_id or "")]
    return [rfc3339(one.at), one.what, one.text, one.name, *ids]


def _file(text: str | bytes, content_type: str, name: str) -> HttpResponse:
    return HttpResponse(
        text,
        content_type=f"{content_type}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
