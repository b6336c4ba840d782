"""A member's new number: proved by its holder, decided by somebody else."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from invitations.selectors.phone_changes import get_phone_change
from invitations.services.phone_changes import approve_phone_change, deny_phone_change
from orgs.forms.decisions import DecisionForm
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.names import called
from semafore.kernel.permissions import Permission


class PhoneChangeView(ConsoleView):
    """The change, and the decision once there is one."""

    requires = Permission.MEMBERS_APPROVE
    sensitive = True

    def get(self, request: HttpRequest, phone_change_id: UUID) -> HttpResponse:
        """Show it."""
        return self.show(request, phone_change_id, DecisionForm())

    def post(self, request: HttpRequest, phone_change_id: UUID) -> HttpResponse:
        """Decide; whoever comes second sees what the first decided."""
        change = get_phone_change(phone_change_id)
        form = DecisionForm(request.POST)
        if form.is_valid():
            with self.refusals(form):
                if form.approves:
                    approve_phone_change(phone_change_id=change.id)
                else:
                    deny_phone_change(phone_change_id=change.id, reason=form.cleaned_data["reason"])
                word = "has a new number" if form.approves else "keeps the old number"
                messages.success(request, f"{change.membership.name} {word}.")
                return HttpResponseRedirect(self.link("approvals"))
        return self.show(request, phone_change_id, form, status=409)

    def show(
        self, request: HttpRequest, phone_change_id: UUID, form: DecisionForm, status: int = 200
    ) -> HttpResponse:
        """The page, as things stand."""
        change = get_phone_change(phone_change_id)
        context = {
            "title": f"New number of {called(change.membership)}",
            "change": change,
            "form": form,
        }
        return self.page(request, "console/approvals/phone_change.html", context, status)
