"""Legal holds: what must not be deleted, whatever its age."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from audit.models import Hold
from audit.selectors.reading import reader_of
from audit.selectors.retention import (
    holds,
    readable_hold,
    requests_waiting,
    unreadable_holds,
    unreadable_requests,
)
from audit.services.recording import Ref
from audit.services.retention.holds import place_hold, request_lift
from console.forms.retention import HoldForm, ReasonForm
from console.pages.retention import tabs
from console.words import hold_in_words
from orgs.services.memberships import membership_ref
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.http.decisions import DecisionView
from semafore.kernel.permissions import Permission


class HoldsView(ConsoleView):
    """The holds in force, then those that were lifted."""

    requires = Permission.HOLDS_PLACE
    title = "Retention"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them."""
        known = holds().exclude(unreadable_holds(reader_of(self.seat)))
        found = [(one, hold_in_words(one)) for one in known]
        context = {
            "in_force": [(one, covers) for one, covers in found if one.lifted_at is None],
            "lifted": [(one, covers) for one, covers in found if one.lifted_at is not None],
            **tabs(self),
        }
        return self.page(request, "console/retention/holds.html", context)


class HoldView(ConsoleView):
    """One hold: what it covers, who placed it, what is asked about it."""

    requires = Permission.HOLDS_PLACE

    def get(self, request: HttpRequest, hold_id: UUID) -> HttpResponse:
        """Show it. Raises NotFound."""
        reader = reader_of(self.seat)
        found = readable_hold(hold_id, reader)
        waiting = requests_waiting().exclude(unreadable_requests(reader))
        context = {
            "title": "Legal hold",
            "hold": found,
            "covers": hold_in_words(found),
            "waiting": waiting.filter(hold=found).first(),
        }
        return self.page(request, "console/retention/hold.html", context)


class HoldNewView(ConsoleView):
    """Place one."""

    requires = Permission.HOLDS_PLACE
    sensitive = True
    title = "Place a legal hold"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask; the person or the room may stand in the address."""
        return self.ask(request, HoldForm(initial=request.GET))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Place it, or ask which of several people or rooms is meant."""
        form = HoldForm(request.POST)
        if form.is_valid():
            with self.refusals(form):
                typed = form.cleaned_data
                placed = place_hold(
                    person=membership_ref(form.person) if form.person else None,
                    room=Ref(kind="room", id=form.room[0].id, label=form.room[1])
                    if form.room
                    else None,
                    from_at=typed["from_at"],
                    until_at=typed["until_at"],
                    reason=typed["reason"],
                    case_reference=typed["case_reference"],
                )
                messages.success(request, "The hold is in force.")
                return HttpResponseRedirect(self.link("hold", placed.id))
        return self.ask(request, form, status=422)

    def ask(self, request: HttpRequest, form: HoldForm, status: int = 200) -> HttpResponse:
        """The page."""
        context = {"form": form, "person": form.person, "room": form.room}
        return self.page(request, "console/retention/hold_new.html", context, status)


class HoldLiftView(DecisionView):
    """Ask for the end of a hold."""

    requires = Permission.HOLDS_PLACE
    title = "Ask to lift the hold"
    form_class = ReasonForm
    submit = "Ask for the approval"
    danger = True

    def subject(self, **ids: UUID) -> Hold:
        """The hold. Raises NotFound."""
        return readable_hold(ids["hold_id"], reader_of(self.seat))

    def consequences(self, subject: Hold) -> list[str]:
        """What an approval gives up."""
        return [
            "Another owner decides: you can't approve what you ask for.",
            f"Held until then: {hold_in_words(subject)}.",
            (
                "Once it is approved, the next sweep deletes what has lived its time of that. It "
                "can't be had back."
            ),
        ]

    def act(self, subject: Hold, data: dict[str, Any]) -> str:
        """Raises NotFound, HoldLifted, RetentionRequestPending."""
        request_lift(hold_id=subject.id, reason=data["reason"])
        return "The end of the hold waits for its approval."

    def elsewhere(self, subject: Hold) -> str:
        """The hold's page."""
        return self.link("hold", subject.id)
