"""Exports: which there are, asking for one, how far it is, its file."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.http import urlencode

from audit.console.case import case_of
from audit.exports.summary import filter_in_words
from audit.forms.exports import ExportForm
from audit.handing_out import export_file, export_manifest
from audit.models import Export, ExportFormat
from audit.selectors.exports import export, exports, is_own, parts_of
from audit.selectors.known import known
from audit.selectors.reading import Reader, reader_of
from audit.sentences import FILTERS
from audit.services.exports.requests import cancel_export, request_export
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.paging import paginate
from semafore.kernel.permissions import Permission


class ExporterView(ConsoleView):
    """Base of the pages of exports."""

    requires = Permission.AUDIT_EXPORT

    @property
    def reader(self) -> Reader:
        """Who looks."""
        return reader_of(self.seat)


class ExportsView(ExporterView):
    """The organisation's exports."""

    title = "Exports"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The newest first."""
        page = paginate(
            exports(self.reader), by=("-requested_at", "-id"), cursor=request.GET.get("cursor")
        )
        context = {"page": page, "rows": [(one, filter_in_words(one)) for one in page.rows]}
        return self.page(request, "console/exports/list.html", context)


class ExportNewView(ExporterView):
    """Ask for one; the explorer's filter comes with the address."""

    sensitive = True
    title = "Export audit data"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask what, as what, and why. Raises NotFound for an investigation that isn't there."""
        return self._ask(request, ExportForm(initial=self._initial(request), reader=self.reader))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Have it written."""
        form = ExportForm(request.POST, reader=self.reader)
        if form.is_valid():
            with self.refusals(form):
                made = request_export(
                    format=ExportFormat(form.cleaned_data["format"]),
                    chosen=form.chosen(),
                    reader=self.reader,
                    reason=form.cleaned_data["reason"],
                    case_reference=form.cleaned_data["case_reference"],
                )
                return HttpResponseRedirect(self.link("export", made.id))
        return self._ask(request, form, status=422)

    def _initial(self, request: HttpRequest) -> dict[str, Any]:
        """The address's filters; of a case, why, and whom or what it is of."""
        case = case_of(request.GET, self.reader)
        given = request.GET.dict()
        if case is None:
            return given
        named = {"about": case.person, "room": case.room}
        return {**{name: str(one) for name, one in named.items() if one}, **case.why(), **given}

    def _ask(self, request: HttpRequest, form: ExportForm, status: int = 200) -> HttpResponse:
        names = {one.id: one.label for one in known(form.ids().values()).values()}
        named = [(FILTERS[name], names.get(one) or str(one)) for name, one in form.ids().items()]
        context = {"form": form, "named": named}
        return self.page(request, "console/exports/new.html", context, status)


class ExportView(ExporterView):
    """One export: how far it is; once it is done, what it is and where to get it."""

    def get(self, request: HttpRequest, export_id: UUID) -> HttpResponse:
        """Its page. Raises NotFound."""
        found = export(export_id, self.reader)
        own = is_own(found, self.reader)
        context = {
            "title": f"Export: {ExportFormat(found.format).label}",
            "export": found,
            "own": own,
            "chosen": filter_in_words(found),
            "parts": parts_of(found) if own else [],
            "again": self._again(found),
            "job": job(found),
        }
        answer = self.page(request, "console/exports/detail.html", context)
        if found.finished and "HX-Request" in request.headers:
            # What asked is the progress alone; the rest of the page has another tale to tell now.
            answer["HX-Refresh"] = "true"
        return answer

    def _again(self, found: Export) -> str:
        """Where the same is asked for."""
        if found.format == ExportFormat.SUBJECT_ACCESS:
            return self.link("subject_access", found.people[0])
        return f"{self.link('export_new')}?{urlencode({**found.chosen, 'format': found.format})}"


def job(found: Export) -> dict[str, Any]:
    """For `components/job.html`."""
    return {
        "done": found.done,
        "total": found.stated,
        "unit": "rows" if found.format == ExportFormat.SUBJECT_ACCESS else "events",
        "status": found.status,
        "beat_at": found.beat_at,
        "finished": found.finished,
    }


class ExportCancelView(ExporterView):
    """Stop one that is under way."""

    title = "Cancel the export"

    def get(self, request: HttpRequest, export_id: UUID) -> HttpResponse:
        """Ask, unless it has ended meanwhile. Raises NotFound."""
        found = export(export_id, self.reader)
        if found.finished:
            messages.info(request, "The export has ended: there is nothing to cancel.")
            return HttpResponseRedirect(self.link("export", export_id))
        return self.page(request, "console/exports/cancel.html", {"export": found})

    def post(self, _request: HttpRequest, export_id: UUID) -> HttpResponse:
        """Stop it. Raises NotFound, ExportFinished."""
        cancel_export(export_id=export_id, reader=self.reader)
        return HttpResponseRedirect(self.link("export", export_id))


class ExportFileView(ExporterView):
    """The file, for whoever asked for it."""

    def get(self, request: HttpRequest, export_id: UUID) -> HttpResponseBase:
        """Whole, or the range that is asked for. Raises NotFound, NotPermitted, ExportNotReady."""
        return export_file(request, export_id, self.reader)


class ExportManifestView(ExporterView):
    """What the file is, as a file."""

    def get(self, _request: HttpRequest, export_id: UUID) -> HttpResponse:
        """JSON. Raises NotFound, NotPermitted, ExportNotReady."""
        return export_manifest(export_id, self.reader)
