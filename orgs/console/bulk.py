"""Suspending and ending from a list: upload, look, confirm, see what was done."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from orgs.forms.bulk import BulkForm
from orgs.forms.members import ReasonForm
from orgs.services.bulk import BulkAct, Row, change_many, preview
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.permissions import Permission

SESSION_KEY = "bulk"
"""Holds the rows that were looked at, what is to be done, and whether it was."""


class BulkView(ConsoleView):
    """Base: only what the session holds for this organisation counts."""

    requires = Permission.PEOPLE_MANAGE
    sensitive = True

    def kept(self, request: HttpRequest, *, done: bool) -> tuple[BulkAct, list[Row]] | None:
        """What is to be done, or was, to which rows; None when there is no such list."""
        kept: dict[str, Any] = request.session.get(SESSION_KEY, {})
        if (kept.get("organisation"), kept.get("done")) != (str(self.seat.organisation_id), done):
            return None
        return BulkAct(kept["act"]), [_row(row) for row in kept["rows"]]

    def keep(self, request: HttpRequest, act: BulkAct, rows: list[Row], *, done: bool) -> None:
        """In place of what was kept before."""
        request.session[SESSION_KEY] = {
            "organisation": str(self.seat.organisation_id),
            "act": act,
            "rows": [{**asdict(row), "membership_id": _text(row.membership_id)} for row in rows],
            "done": done,
        }


def _row(kept: dict[str, Any]) -> Row:
    membership_id = kept["membership_id"]
    return Row(**{**kept, "membership_id": UUID(membership_id) if membership_id else None})


def _text(membership_id: UUID | None) -> str | None:
    return str(membership_id) if membership_id else None


class BulkUploadView(BulkView):
    """What to do, and the list."""

    title = "Suspend or end many people"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask for the list."""
        return self.page(request, "console/members/bulk.html", {"form": BulkForm()})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Read it, and show what would happen."""
        form = BulkForm(request.POST, request.FILES)
        if not form.is_valid():
            return self.page(request, "console/members/bulk.html", {"form": form}, status=422)
        act, column = BulkAct(form.cleaned_data["act"]), form.cleaned_data["column"]
        rows = preview(act=act, column=column, lines=form.cleaned_data["lines"])
        self.keep(request, act, rows, done=False)
        return HttpResponseRedirect(self.link("members_bulk_confirm"))


class BulkConfirmView(BulkView):
    """Row by row what would happen; then, with a reason, it does."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the rows."""
        return self._show(request, ReasonForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Do it once: sent again, there is nothing left to confirm, only the result to see."""
        form = ReasonForm(request.POST)
        if not form.is_valid():
            return self._show(request, form, status=422)
        kept = self.kept(request, done=False)
        if kept is not None:
            act, rows = kept
            done = change_many(act=act, rows=rows, reason=form.cleaned_data["reason"])
            self.keep(request, act, done, done=True)
        return HttpResponseRedirect(self.link("members_bulk_result"))

    def _show(self, request: HttpRequest, form: ReasonForm, status: int = 200) -> HttpResponse:
        kept = self.kept(request, done=False)
        if kept is None:
            return HttpResponseRedirect(self.link("members_bulk"))
        act, rows = kept
        possible = sum(not row.refusal for row in rows)
        context = {
            "title": f"{act.title()} {possible} of {len(rows)} people",
            "act": act,
            "rows": rows,
            "possible": possible,
            "form": form,
        }
        return self.page(request, "console/members/bulk_confirm.html", context, status=status)


class BulkResultView(BulkView):
    """What was done, row by row."""

    title = "What was done"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the rows."""
        kept = self.kept(request, done=True)
        if kept is None:
            return HttpResponseRedirect(self.link("members_bulk"))
        act, rows = kept
        done = sum(not row.refusal for row in rows)
        context = {"act": act, "rows": rows, "done": done}
        return self.page(request, "console/members/bulk_result.html", context)
