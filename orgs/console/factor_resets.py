"""Resetting somebody's lost second factor, by two administrators."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from orgs.forms.decisions import DecisionForm
from orgs.forms.sign_in import FactorResetForm
from orgs.selectors.sign_in import get_factor_reset, get_resettable
from orgs.services.factor_resets import (
    approve_factor_reset,
    deny_factor_reset,
    request_factor_reset,
)
from semafore.kernel import clock
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.permissions import Permission


class FactorResetView(ConsoleView):
    """Ask for a reset."""

    title = "Reset a lost second factor"
    requires = Permission.PEOPLE_MANAGE
    sensitive = True

    def get(self, request: HttpRequest, membership_id: UUID) -> HttpResponse:
        """What will happen, to whom."""
        return self._show(request, FactorResetForm(), membership_id)

    def post(self, request: HttpRequest, membership_id: UUID) -> HttpResponse:
        """Put it before a second administrator."""
        form = FactorResetForm(request.POST)
        if form.is_valid():
            with self.refusals(form):
                reset = request_factor_reset(
                    membership_id=membership_id, reason=form.cleaned_data["reason"]
                )
                return redirect(self.link("factor_reset_decide", reset.id))
        return self._show(request, form, membership_id)

    def _show(
        self, request: HttpRequest, form: FactorResetForm, membership_id: UUID
    ) -> HttpResponse:
        person = get_resettable(membership_id)
        consequences = [
            f"{person.name} notices nothing until a second administrator approves.",
            f"Then {person.name}'s authenticator, recovery codes and sessions are gone.",
            f"{person.name} is mailed a link to set up a new one, and needs the password too.",
            "All owners are mailed what was done, by whom and why.",
        ]
        context = {
            "form": form,
            "consequences": consequences,
            "submit": "Ask for the reset",
            "danger": True,
            "cancel": request.path.rpartition("/")[0],
        }
        return self.page(request, "console/confirm.html", context)


class FactorResetDecideView(ConsoleView):
    """Decide somebody else's request."""

    title = "Reset of a second factor"
    requires = Permission.PEOPLE_MANAGE
    sensitive = True

    def get(self, request: HttpRequest, reset_id: UUID) -> HttpResponse:
        """The request, and the decision once there is one."""
        return self._show(request, DecisionForm(), reset_id)

    def post(self, request: HttpRequest, reset_id: UUID) -> HttpResponse:
        """Approve or deny; 409 when somebody else did."""
        form = DecisionForm(request.POST)
        if not form.is_valid():
            return self._show(request, form, reset_id)
        if form.approves:
            reset = approve_factor_reset(reset_id=reset_id)
            messages.success(request, f"{reset.membership.name}'s second factor is reset.")
        else:
            deny_factor_reset(reset_id=reset_id, reason=form.cleaned_data["reason"])
            messages.success(request, "The reset is denied.")
        return redirect(self.link("factor_reset_decide", reset_id))

    def _show(self, request: HttpRequest, form: DecisionForm, reset_id: UUID) -> HttpResponse:
        reset = get_factor_reset(reset_id)
        pending = reset.status == "pending" and reset.expires_at > clock.now()
        context = {
            "form": form,
            "reset": reset,
            "pending": pending,
            "own": self.seat.membership_id == reset.requested_by_id,
        }
        return self.page(request, "account/factor_reset.html", context)
