"""Approvals: who and what is let in, with the fingerprint in front of the person who decides."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from audit.selectors.reading import Reader, reader_of
from console.forms.approvals import ApproveForm, BatchForm, DenyForm
from console.selectors.approvals import (
    DeviceRequest,
    as_requests,
    chosen_requests,
    decided_devices,
    decided_retention,
    device_request,
    expired_devices,
    waiting_devices,
    waiting_retention,
)
from invitations.selectors.onboarding import known_before
from invitations.selectors.phone_changes import (
    decided_phone_changes,
    waiting_phone_changes,
)
from invitations.services.approvals import BATCH_MAX, Decision, approve, approve_many, deny
from keys.errors import DeviceTransition
from keys.models import Comparison, DeviceStatus
from messaging.selectors.requests import decided_requests, lapsed_requests, waiting_requests
from orgs.selectors.sign_in import pending_factor_resets
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.names import called
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import Problem

TABS = {
    "pending": ("Pending", waiting_devices),
    "decided": ("Decided", decided_devices),
    "expired": ("Expired", expired_devices),
}


LATEST = 50
"""So many decisions of the rarer kinds are shown."""

OTHERS: dict[str, Callable[[Reader], dict[str, Any]]] = {
    "pending": lambda reader: {
        "phone_changes": waiting_phone_changes(),
        "factor_resets": pending_factor_resets(),
        "room_requests": waiting_requests(),
        "retention_requests": waiting_retention(reader),
    },
    "decided": lambda reader: {
        "phone_changes": decided_phone_changes()[:LATEST],
        "room_requests": decided_requests()[:LATEST],
        "retention_requests": decided_retention(reader, lapsed=False)[:LATEST],
    },
    "expired": lambda reader: {
        "room_requests": lapsed_requests()[:LATEST],
        "retention_requests": decided_retention(reader, lapsed=True)[:LATEST],
    },
}
"""What else stands on a tab, beside devices; few at a time, so on its first page."""


class ApprovalsView(ConsoleView):
    """Everything that waits, was decided, or expired undecided."""

    requires = Permission.PEOPLE_READ
    title = "Approvals"

    def get(self, request: HttpRequest) -> HttpResponse:
        """One tab of it."""
        tab = request.GET.get("tab", "pending")
        if tab not in TABS:
            tab = "pending"
        page = TABS[tab][1](request.GET.get("cursor"))
        context = {
            "tab": tab,
            "tabs": [(name, label) for name, (label, _) in TABS.items()],
            "page": page,
            "requests": as_requests(page.rows),
            "may_decide": Permission.MEMBERS_APPROVE in self.seat.permissions,
            "may_reset": Permission.PEOPLE_MANAGE in self.seat.permissions,
            **OTHERS[tab](reader_of(self.seat)),
        }
        return self.page(request, "console/approvals/list.html", context)


class ApprovalView(ConsoleView):
    """One device: what approving it grants, and the fingerprint to compare."""

    requires = Permission.MEMBERS_APPROVE
    sensitive = True

    def get(self, request: HttpRequest, device_id: UUID) -> HttpResponse:
        """Show it; once decided, by whom and how."""
        waiting = device_request(device_id)
        if waiting.device.status != DeviceStatus.PENDING:
            return self.decided(request, waiting)
        return self.ask(
            request, waiting, ApproveForm(known_before=bool(known_before(waiting.person)))
        )

    def post(self, request: HttpRequest, device_id: UUID) -> HttpResponse:
        """Approve it; whoever comes second sees what the first decided."""
        waiting = device_request(device_id)
        if waiting.device.status != DeviceStatus.PENDING:
            return self.decided(request, waiting, status=409)
        form = ApproveForm(request.POST, known_before=bool(known_before(waiting.person)))
        if not form.is_valid():
            return self.ask(request, waiting, form, status=422)
        try:
            with self.refusals(form):
                approve(
                    device_id=device_id,
                    compared=Comparison(form.cleaned_data["compared"]),
                    same_person=form.cleaned_data.get("same_person", False),
                )
        except DeviceTransition:
            return self.decided(request, device_request(device_id), status=409)
        if not form.is_valid():
            return self.ask(request, waiting, form, status=409)
        messages.success(request, f"{waiting.person.name}'s {waiting.device.name} is approved.")
        return HttpResponseRedirect(self.link("approvals"))

    def ask(
        self, request: HttpRequest, waiting: DeviceRequest, form: ApproveForm, status: int = 200
    ) -> HttpResponse:
        """The page before the decision."""
        context: dict[str, Any] = {
            "title": f"Approve {waiting.person.name}",
            "waiting": waiting,
            "known_before": known_before(waiting.person),
            "form": form,
        }
        return self.page(request, "console/approvals/decide.html", context, status)

    def decided(
        self, request: HttpRequest, decided: DeviceRequest, status: int = 200
    ) -> HttpResponse:
        """The page after it."""
        context = {
            "title": f"{called(decided.person)}: decided already",
            "decided": decided,
            "by_you": decided.device.decided_by_id == self.seat.membership_id,
        }
        return self.page(request, "console/approvals/decided.html", context, status)


class DenyView(ApprovalView):
    """Denying one device, with a reason."""

    def ask(
        self, request: HttpRequest, waiting: DeviceRequest, form: Any, status: int = 200
    ) -> HttpResponse:
        """The page before the decision."""
        person = waiting.person.name
        consequences = [
            f"{person}'s {waiting.device.name} is not let in, and its keys are deleted."
        ]
        if waiting.lets_in:
            consequences.append(f"{person} does not become a member by this invitation.")
        context = {
            "title": f"Deny {person}",
            "consequences": consequences,
            "form": form if isinstance(form, DenyForm) else DenyForm(),
            "submit": "Deny",
            "danger": True,
            "cancel": self.link("approval", waiting.device.id),
        }
        return self.page(request, "console/confirm.html", context, status)

    def post(self, request: HttpRequest, device_id: UUID) -> HttpResponse:
        """Deny it."""
        waiting = device_request(device_id)
        if waiting.device.status != DeviceStatus.PENDING:
            return self.decided(request, waiting, status=409)
        form = DenyForm(request.POST)
        if not form.is_valid():
            return self.ask(request, waiting, form, status=422)
        try:
            with self.refusals(form):
                deny(device_id=device_id, reason=form.cleaned_data["reason"])
        except DeviceTransition:
            return self.decided(request, device_request(device_id), status=409)
        if not form.is_valid():
            return self.ask(request, waiting, form, status=409)
        messages.success(request, f"{waiting.person.name}'s {waiting.device.name} is denied.")
        return HttpResponseRedirect(self.link("approvals"))


class BatchView(ConsoleView):
    """Several at once, each with how its fingerprint was compared."""

    requires = Permission.MEMBERS_APPROVE
    sensitive = True
    title = "Approve several"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The ones that were ticked."""
        requests = chosen_requests(_ids(request.GET.getlist("device")))
        return self.ask(request, requests, BatchForm(requests=requests))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Approve each in its own transaction; what fails doesn't hold up the others."""
        requests = chosen_requests(_ids(request.POST.getlist("device")))
        form = BatchForm(request.POST, requests=requests)
        if not form.is_valid():
            return self.ask(request, requests, form, status=422)
        outcomes = approve_many(
            decisions=[Decision(device_id=one, compared=how) for one, how in form.chosen().items()]
        )
        by_id = {one.device.id: one for one in requests}
        context = {
            "title": "Decided",
            "results": [
                (by_id[device_id], outcome if isinstance(outcome, Problem) else None)
                for device_id, outcome in outcomes.items()
            ],
        }
        return self.page(request, "console/approvals/batch_done.html", context)

    def ask(
        self,
        request: HttpRequest,
        requests: list[DeviceRequest],
        form: BatchForm,
        status: int = 200,
    ) -> HttpResponse:
        """The page before the decision."""
        context = {
            "requests": requests,
            "form": form,
            "rows": [(one, form[str(one.device.id)]) for one in requests],
        }
        return self.page(request, "console/approvals/batch.html", context, status)


def _ids(words: list[str]) -> list[UUID]:
    """Those that are ids, as many as go at once."""
    found = []
    for word in words[:BATCH_MAX]:
        try:
            found.append(UUID(word))
        except ValueError:
            continue
    return found
