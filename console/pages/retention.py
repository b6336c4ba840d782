"""Retention: how long things are kept, changing it, what was deleted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from audit.errors import RetentionRequestDecided
from audit.models import RequestKind, RequestStatus, RetentionPeriods, RetentionRequest
from audit.selectors.events import lines, sweeps
from audit.selectors.reading import reader_of
from audit.selectors.retention import periods, readable_request, requests_waiting
from audit.services.retention.periods import NAMES, change_periods, days
from audit.services.retention.requests import approve_request, deny_request, withdraw_request
from console.forms.retention import ConfirmForm, PeriodsForm
from console.selectors.approvals import retention_kinds
from console.selectors.retention import Count, counts, part_in_words, row_in_words
from console.words import hold_in_words
from orgs.forms.decisions import DecisionForm
from semafore.kernel import clock
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.http.decisions import DecisionView
from semafore.kernel.paging import paginate
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound, NotPermitted

CONFLICT = 409

LABELS: Mapping[str, str] = MappingProxyType(
    {"metadata_days": "Metadata", "existence_days": "Proof of existence", "audit_days": "Audit"}
)


class Change(NamedTuple):
    """A period, in days, and what it is to be."""

    label: str
    before: int
    after: int


def changes(current: RetentionPeriods, after: Mapping[str, int]) -> list[Change]:
    """The three periods before and after."""
    return [Change(label, getattr(current, name), after[name]) for name, label in LABELS.items()]


class RetentionView(ConsoleView):
    """The three periods, and what each class of events and rows lives by."""

    requires = Permission.AUDIT_READ
    title = "Retention"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them."""
        waiting = requests_waiting().filter(kind=RequestKind.SHORTEN).first()
        context = {
            "periods": periods(),
            "waiting": waiting,
            "may_change": Permission.RETENTION_MANAGE in self.seat.permissions,
            **tabs(self),
        }
        return self.page(request, "console/retention/periods.html", context)


def tabs(view: ConsoleView) -> dict[str, Any]:
    """What the three pages of retention have at their top."""
    return {"may_see_holds": Permission.HOLDS_PLACE in view.seat.permissions}


class RetentionChangeView(ConsoleView):
    """Other periods: typed, then looked at with what they delete, then confirmed with a reason."""

    requires = Permission.RETENTION_MANAGE
    sensitive = True
    title = "Change the retention periods"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form; with periods in the address, what they would do."""
        if not request.GET.keys() & set(NAMES):
            return self._ask(request, PeriodsForm(initial=days(periods())))
        form = PeriodsForm(request.GET)
        if not form.is_valid():
            return self._ask(request, form, status=422)
        return self._preview(request, ConfirmForm(initial=form.cleaned_data), form.cleaned_data)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Set them, or ask a second administrator where one gets shorter."""
        form = ConfirmForm(request.POST)
        wanted = PeriodsForm(request.POST)
        if not wanted.is_valid():
            return self._ask(request, wanted, status=422)
        if form.is_valid():
            with self.refusals(form):
                done = change_periods(**form.cleaned_data)
                if isinstance(done, RetentionRequest):
                    messages.success(request, "The change waits for a second administrator.")
                    return HttpResponseRedirect(self.link("retention_request", done.id))
                messages.success(request, "The retention periods are changed.")
                return HttpResponseRedirect(self.link("retention"))
        return self._preview(request, form, wanted.cleaned_data, status=422)

    def _ask(self, request: HttpRequest, form: Form, status: int = 200) -> HttpResponse:
        return self.page(request, "console/retention/change.html", {"form": form}, status)

    def _preview(
        self, request: HttpRequest, form: Form, after: dict[str, int], status: int = 200
    ) -> HttpResponse:
        wanted = {name: after[name] for name in NAMES}
        changed = changes(periods(), wanted)
        context = {
            "form": form,
            "changes": changed,
            "differs": any(one.before != one.after for one in changed),
            "shorter": any(one.after < one.before for one in changed),
            "sees_holds": True,
            "counts": counts(wanted, reader_of(self.seat)),
        }
        return self.page(request, "console/retention/preview.html", context, status)


class RetentionRequestView(ConsoleView):
    """Shorter periods, or the end of a hold: what approving does; and the decision."""

    requires = Permission.AUDIT_READ
    requires_to_change = Permission.RETENTION_APPROVE
    sensitive = True

    def asked(self, request_id: UUID) -> RetentionRequest:
        """The request. Raises NotFound, also for one about a hold that the person may not see."""
        asked = readable_request(request_id, reader_of(self.seat))
        if asked.kind not in retention_kinds(self.seat.permissions):
            raise NotFound
        return asked

    def get(self, request: HttpRequest, retention_request_id: UUID) -> HttpResponse:
        """Show it; once decided, by whom and how."""
        return self.show(request, self.asked(retention_request_id), DecisionForm())

    def post(self, request: HttpRequest, retention_request_id: UUID) -> HttpResponse:
        """Decide; whoever comes second sees what the first decided."""
        asked, form = self.asked(retention_request_id), DecisionForm(request.POST)
        if not form.is_valid():
            return self.show(request, asked, form, status=422)
        try:
            with self.refusals(form):
                if form.approves:
                    approve_request(request_id=asked.id)
                else:
                    deny_request(request_id=asked.id, reason=form.cleaned_data["reason"])
                word = "approved" if form.approves else "denied"
                messages.success(request, f"{KINDS[RequestKind(asked.kind)]}: {word}.")
                return HttpResponseRedirect(self.link("approvals"))
        except RetentionRequestDecided:
            form = DecisionForm()
        return self.show(request, self.asked(retention_request_id), form, status=CONFLICT)

    def show(
        self, request: HttpRequest, asked: RetentionRequest, form: DecisionForm, status: int = 200
    ) -> HttpResponse:
        """The page, as things stand."""
        open_ = asked.status == RequestStatus.PENDING and asked.expires_at > clock.now()
        own = asked.requested_by_id == self.seat.membership_id
        needed = DECIDES[RequestKind(asked.kind)]
        context: dict[str, Any] = {
            "title": KINDS[RequestKind(asked.kind)],
            "asked": asked,
            "form": form,
            "open": open_,
            "too_late": not open_ and status == CONFLICT,
            "own": own,
            "may_decide": open_ and not own and needed in self.seat.permissions,
        }
        if asked.hold:
            context["covers"] = hold_in_words(asked.hold)
        elif open_:
            context["changes"] = changes(periods(), days(asked))
            context["sees_holds"] = Permission.HOLDS_PLACE in self.seat.permissions
            context["counts"] = counts(days(asked), reader_of(self.seat))
        else:
            context["wanted"] = [(label, getattr(asked, name)) for name, label in LABELS.items()]
        return self.page(request, "console/retention/request.html", context, status)


KINDS = {
    RequestKind.SHORTEN: "Shorter retention periods",
    RequestKind.LIFT: "The end of a legal hold",
}

DECIDES = {
    RequestKind.SHORTEN: Permission.RETENTION_APPROVE,
    RequestKind.LIFT: Permission.HOLDS_LIFT,
}


class RetentionWithdrawView(DecisionView):
    """Take one's own request back."""

    requires = Permission.HOLDS_PLACE
    title = "Withdraw the request"
    form_class = Form
    submit = "Withdraw the request"
    sensitive = False

    def subject(self, **ids: UUID) -> RetentionRequest:
        """The request. Raises NotFound, NotPermitted for somebody else's."""
        asked = readable_request(ids["retention_request_id"], reader_of(self.seat))
        if asked.requested_by_id != self.seat.membership_id:
            raise NotPermitted(detail="Only who asked for it can take it back.")
        return asked

    def consequences(self, subject: RetentionRequest) -> list[str]:
        """Nothing of it happens."""
        stays = "The hold stays." if subject.hold_id else "The periods stay as they are."
        return [stays, "Nobody has to decide it any more. It stands in the audit log."]

    def act(self, subject: RetentionRequest, data: dict[str, Any]) -> str:
        """Raises RetentionRequestDecided."""
        del data
        withdraw_request(request_id=subject.id)
        return "The request is withdrawn."

    def elsewhere(self, subject: RetentionRequest) -> str:
        """The request's page."""
        return self.link("retention_request", subject.id)


@dataclass(frozen=True, slots=True)
class Deletion:
    """A sweep that deleted something, from its record."""

    event_id: UUID
    at: datetime
    parts: list[Count]
    rows: list[Count]


class DeletionsView(ConsoleView):
    """What retention deleted: each sweep leaves a record in the log."""

    requires = Permission.AUDIT_READ
    title = "Retention"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The records, the newest first."""
        page = paginate(sweeps(), by=("-seq",), cursor=request.GET.get("cursor"))
        records = []
        for line in lines(page.rows):
            data = line.what["data"] if line.what else {"swept": [], "rows": {}}
            parts = [
                Count(part_in_words(swept["class"], swept["part"]), swept["count"])
                for swept in data["swept"]
            ]
            rows = [Count(row_in_words(name), count) for name, count in data["rows"].items()]
            records.append(Deletion(line.row.event_id, line.row.at, parts, rows))
        context = {"page": page, "records": records, **tabs(self)}
        return self.page(request, "console/retention/deletions.html", context)
