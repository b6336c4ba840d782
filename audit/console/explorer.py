"""The explorer: what happened, in the order of the log, by filters that the address holds."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.text import capfirst

from audit.console.facts import KINDS, Named, named
from audit.forms.filters import LABELS, TYPED, ExplorerForm, chips, ids_of, query
from audit.selectors.counts import COUNTED, By, Counts
from audit.selectors.events import Line, sweeps
from audit.selectors.known import PLACES, known
from audit.selectors.reading import reader_of
from audit.sentences import type_in_words
from audit.services.counting import count_events
from audit.services.reading import search_events
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.permissions import Permission

ONE_DAY = timedelta(days=1)
ROLES = ("actor", "target", "room")


class FilteredView(ConsoleView):
    """What the explorer's two views share: the form, its chips, and whom a name means."""

    requires = Permission.AUDIT_READ
    title = "Audit log"
    template: str

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page that the address names; sends on to the plain address of what was typed."""
        form = ExplorerForm(request.GET, reader=reader_of(self.seat))
        may_export = Permission.AUDIT_EXPORT in self.seat.permissions
        context: dict[str, Any] = {"form": form, "may_export": may_export}
        if form.is_valid():
            parameters = form.parameters()
            context |= {"several": self._several(form, parameters), "query": query(parameters)}
            if not form.several:
                if _roundabout(request):
                    kept = {name: request.GET[name] for name in ("by",) if request.GET.get(name)}
                    return HttpResponseRedirect(request.path + query(parameters, **kept))
                context |= self.found(request, form, parameters)
        return self.page(request, self.template, context)

    def found(
        self, request: HttpRequest, form: ExplorerForm, parameters: dict[str, str]
    ) -> dict[str, Any]:
        """What the filters find."""
        raise NotImplementedError

    def _several(self, form: ExplorerForm, parameters: dict[str, str]) -> list[Any]:
        """Where a name means several: each with the address that it leads to."""
        return [
            (LABELS[place], [(one, query(parameters, **{place: one.id})) for one in found])
            for place, found in form.several.items()
        ]


def _roundabout(request: HttpRequest) -> bool:
    """Whether the address holds empty filters, as a form sends them, or names yet to be settled."""
    return any(name in TYPED or not value for name, value in request.GET.items())


class ExplorerView(FilteredView):
    """What happened, the newest first. The look at it is an event itself."""

    template = "console/audit/list.html"

    def found(
        self, request: HttpRequest, form: ExplorerForm, parameters: dict[str, str]
    ) -> dict[str, Any]:
        """A page of events."""
        found = search_events(
            reader=reader_of(self.seat), chosen=form.chosen(), cursor=request.GET.get("cursor")
        )
        names = names_of([parameters], found.lines)
        context: dict[str, Any] = {
            "page": found,
            "lines": [(line, _people(line, parameters)) for line in found.lines],
            "chips": chips(parameters, names),
            "filtered": bool(parameters),
            "concerns": next((names[parameters[one]] for one in PLACES if one in parameters), ""),
        }
        if not found.lines:
            context["swept"] = sweeps().order_by("-seq").first()
        return context


class CountsView(FilteredView):
    """How many events there are of each person, each type or each day. An event itself."""

    template = "console/audit/counts.html"

    def found(
        self, request: HttpRequest, form: ExplorerForm, parameters: dict[str, str]
    ) -> dict[str, Any]:
        """The counts, each with the events behind it."""
        by = _by(request.GET.get("by", ""))
        counted = count_events(reader=reader_of(self.seat), chosen=form.chosen(), by=by)
        events = self.link("audit")
        today = _called_today(counted) if by == "actor" else {}
        return {
            "by": by,
            "counts": counted,
            "most": COUNTED,
            "greatest": max((number for _, _, number in counted.lines), default=0),
            "lines": [
                (
                    today.get(key) or _label(by, key, label),
                    number,
                    _narrower(by, key, parameters, events),
                )
                for key, label, number in counted.lines
            ],
            "chips": chips(parameters, names_of([parameters], [])),
            "filtered": bool(parameters),
        }


def _by(wanted: str) -> By:
    match wanted:
        case "action" | "day":
            return wanted
    return "actor"


def _called_today(counted: Counts) -> dict[str, str]:
    """People by their own names: in an event stands which of their devices it was."""
    ids = {UUID(key) for key, _, _ in counted.lines if key and key not in KINDS}
    return {str(one.id): one.label for one in known(ids).values()}


def _label(by: By, key: str, label: str) -> str:
    match by:
        case "action":
            return type_in_words(key)
        case "day":
            return f"{date.fromisoformat(key):%-d %b %Y}"
    if not key:
        return "Deleted by retention"
    return capfirst(KINDS[key]) if key == label and key in KINDS else label


def _narrower(by: By, key: str, parameters: dict[str, str], events: str) -> str:
    """The address of the events behind a count; empty where no filter says as much."""
    if by == "day":
        day = date.fromisoformat(key)
        ends = {"from_at": f"{day}T00:00", "to_at": f"{day + ONE_DAY}T00:00"}
        return events + query(parameters, period=None, **ends)
    if by == "actor" and (not key or key in KINDS):
        return ""
    return events + query(parameters, **{by: key})


def names_of(parameters: Sequence[dict[str, str]], lines: Sequence[Line]) -> dict[str, str]:
    """What the ids in filters are called: today, else in the newest event; else the id."""
    wanted = ids_of(parameters)
    names = {str(one): str(one) for one in wanted}
    for line in reversed(lines):
        for role in (*ROLES, "subject"):
            one = line.who and line.who[role]
            if one and one["id"] in names and one["label"]:
                names[one["id"]] = one["label"]
    return names | {str(one.id): one.label for one in known(wanted).values()}


def _people(line: Line, parameters: dict[str, str]) -> dict[str, Named | None]:
    return {role: _only(named(line.who, role), role, parameters) for role in ROLES}


def _only(one: Named | None, role: str, parameters: dict[str, str]) -> Named | None:
    """With the address of its own events, unless they are what is shown."""
    if one is None or not one.id or parameters.get(role) == one.id:
        return one
    return replace(one, only=query(parameters, **{role: UUID(one.id)}))
