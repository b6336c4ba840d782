"""Asking for a report: the three of them, who asked lately, and a form for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from audit.console.case import PARAMETER, case_of
from audit.selectors.events import EventFilter, Line
from audit.selectors.reading import reader_of
from audit.services.reading import search_events
from reports.events.reports import ReportRequested
from reports.forms import AskForm, GraphForm, MembershipForm, TimingForm
from reports.selectors.kept import default_days
from reports.services.asking import OPEN_FOR, is_by, request_report
from semafore.kernel import clock
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.permissions import Permission

SUBJECTS = ("person", "room", "party")


@dataclass(frozen=True, slots=True)
class Card:
    """A report that can be asked for."""

    title: str
    answers: str
    address: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A report that somebody asked for, as its event says it."""

    id: UUID
    at: datetime
    kind: str
    about: str
    by: str
    reason: str
    case_reference: str
    open: bool
    """The reader may still look at it."""


class ReportsView(ConsoleView):
    """The three reports, and who asked for which lately."""

    requires = Permission.INVESTIGATE
    title = "Reports"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them; those about the reader aren't there. The look is an event."""
        chosen = EventFilter(action=ReportRequested.type.name)
        cursor = request.GET.get("cursor")
        found = search_events(reader=reader_of(self.seat), chosen=chosen, cursor=cursor)
        given = {name: request.GET[name] for name in SUBJECTS if name in request.GET}
        case = request.GET.get(PARAMETER, "")
        context = {
            "cards": self._cards(given, case),
            "given": bool(given),
            "page": found,
            "asked": self._asked(found.lines),
        }
        return self.page(request, "console/reports/list.html", context)

    def _cards(self, given: dict[str, str], case: str) -> list[Card]:
        """With whom or what another page says, where the report can be about it."""
        return [
            Card(
                view.title,
                view.answers,
                self.link(view.name) + _query(given, case, view.form_class),
            )
            for view in NEW
            if not given or set(given) & set(view.form_class.about)
        ]

    def _asked(self, lines: Sequence[Line]) -> list[Asked]:
        reader, opened_since = reader_of(self.seat), clock.now() - OPEN_FOR
        return [
            Asked(
                id=line.row.event_id,
                at=line.row.at,
                kind=line.what["data"]["kind"],
                about=_about(line.who),
                by=line.who["actor"]["label"] if line.who else "",
                reason=line.what["data"]["reason"],
                case_reference=line.what["data"]["case_reference"],
                open=line.who is not None
                and is_by(line.who, reader)
                and line.row.at > opened_since,
            )
            for line in lines
            if line.what
        ]


def _query(given: dict[str, str], case: str, form: type[AskForm]) -> str:
    """A report is about one of them: the first that it can be about."""
    about = next((name for name in form.about if name in given), None)
    kept = {about: given[about]} if about else {}
    kept |= {PARAMETER: case} if case else {}
    return f"?{urlencode(kept)}" if kept else ""


def _about(who: dict[str, Any] | None) -> str:
    if who is None:
        return ""
    named = who["subject"] or who["room"] or who["target"]
    return str(named["label"]) if named else "The organisation"


class NewView(ConsoleView):
    """A form that asks for a report."""

    requires = Permission.INVESTIGATE
    form_class: ClassVar[type[AskForm]]
    name: ClassVar[str]
    answers: ClassVar[str]
    """What the report answers, in a sentence."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask; the person, the room or the party may stand in the address. Raises NotFound."""
        case = case_of(request.GET, reader_of(self.seat))
        initial = {**(case.why() if case else {}), **request.GET.dict()}
        return self.ask(request, self.form_class(initial=initial, days=default_days()))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Record that it was asked for, and lead to it; or say what stands against it."""
        form = self.form_class(request.POST, days=default_days(), reader=reader_of(self.seat))
        if form.is_valid():
            with self.refusals(form):
                report_id = request_report(
                    question=form.question(),
                    reason=form.cleaned_data["reason"],
                    case_reference=form.cleaned_data["case_reference"],
                    reader=reader_of(self.seat),
                )
                return HttpResponseRedirect(self.link("report", report_id))
        return self.ask(request, form, status=422)

    def ask(self, request: HttpRequest, form: AskForm, status: int = 200) -> HttpResponse:
        """The page."""
        context = {"form": form, "answers": self.answers}
        return self.page(request, "console/reports/new.html", context, status)


class GraphNewView(NewView):
    """Of a communication graph."""

    title = "Communication graph"
    form_class = GraphForm
    name = "report_graph_new"
    answers = (
        "Who exchanged messages with a person, in a room or with an external party, how many each "
        "way, and when. Name one of the three."
    )


class TimingNewView(NewView):
    """Of a heat map."""

    title = "Timing"
    form_class = TimingForm
    name = "report_timing_new"
    answers = (
        "At which hours of the week messages were sent by a person, in a room or in the whole "
        "organisation, and which share of them out of hours."
    )


class MembershipNewView(NewView):
    """Of membership at a moment."""

    title = "Membership at a moment"
    form_class = MembershipForm
    name = "report_membership_new"
    answers = "Who was in a room or in the organisation at a moment, and who came and went."


NEW: tuple[type[NewView], ...] = (GraphNewView, TimingNewView, MembershipNewView)
