"""Invite many from a CSV file: upload, look at the report, confirm."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from invitations.bulk import COLUMNS, MAX_BYTES, confirmed_drafts, preview, sign_preview
from invitations.forms.console import BulkForm
from invitations.services.issuing import issue_invitations
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.http.handler import REFUSALS
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import Problem


class _BulkView(ConsoleView):
    requires = Permission.MEMBERS_INVITE
    sensitive = True
    title = "Invite from a CSV file"

    def _upload(self, request: HttpRequest, form: BulkForm) -> HttpResponse:
        status = 422 if form.is_bound else 200
        return self.page(request, "console/invitations/bulk.html", {"form": form}, status)


class InvitationsBulkView(_BulkView):
    """The upload, and the report about the file."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form."""
        return self._upload(request, BulkForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """The report, row by row; nothing is stored or sent."""
        form = BulkForm(request.POST, request.FILES)
        if form.is_valid():
            with self.refusals(form, "file"):
                rows = preview(
                    form.cleaned_data["file"].read(MAX_BYTES + 1),
                    channel=form.cleaned_data["channel"],
                    valid_days=form.cleaned_data["valid_days"],
                    every_role=Permission.ROLES_MANAGE in self.seat.permissions,
                )
                good = sum(row.draft is not None for row in rows)
                context = {
                    "rows": rows,
                    "good": good,
                    "bad": len(rows) - good,
                    "channel": form.cleaned_data["channel"],
                    "preview": sign_preview(rows, by=self.seat.membership_id),
                }
                return self.page(request, "console/invitations/bulk_preview.html", context)
        return self._upload(request, form)


class InvitationsBulkConfirmView(_BulkView):
    """Issue what the report found good."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Nothing to confirm: begin with a file."""
        del request
        return HttpResponseRedirect(self.link("invitations_bulk"))

    def post(self, request: HttpRequest) -> HttpResponse:
        """All or none; twice is once."""
        try:
            drafts = confirmed_drafts(request.POST.get("preview", ""), by=self.seat.membership_id)
            issued = issue_invitations(drafts=drafts)
        except Problem as problem:
            if problem.status in REFUSALS:
                raise
            messages.error(request, f"Nobody was invited. {problem.detail}")
            return HttpResponseRedirect(self.link("invitations_bulk"))
        messages.success(
            request, f"{len(issued)} {'person' if len(issued) == 1 else 'people'} invited."
        )
        return HttpResponseRedirect(self.link("invitations"))


class InvitationsBulkTemplateView(_BulkView):
    """An empty file with the header."""

    sensitive = False

    def get(self, request: HttpRequest) -> HttpResponse:
        """With a byte order mark, by which spreadsheets know UTF-8."""
        del request
        return HttpResponse(
            (",".join(COLUMNS) + "\r\n").encode("utf-8-sig"),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="invitations.csv"'},
        )
