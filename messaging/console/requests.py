"""Asking for external rooms and guests, and one request with its decision."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from messaging.errors import RequestDecided
from messaging.forms import GuestsForm, MoreGuestsForm, RoomRequestForm
from messaging.models import RequestKind, RequestStatus, Room, RoomRequest
from messaging.selectors.external import external_room
from messaging.selectors.requests import approvals_of, decision_in_words, get_request
from messaging.services.external import open_emergency_room, request_room
from messaging.services.requests import approve_request, deny_request, request_guests
from orgs.forms.decisions import DecisionForm
from orgs.selectors.settings import policy
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotPermitted

CONFLICT = 409


class AskingView(ConsoleView):
    """A form with rows for guests; then the request as it waits."""

    requires = Permission.ROOMS_MANAGE
    sensitive = True
    form_class: ClassVar[type[GuestsForm]]
    submit = "Ask for the approval"

    def subject(self, **ids: UUID) -> Any:
        """The room that it is about, if there is one. Raises NotFound."""
        del ids
        return None

    def consequences(self, subject: Any) -> list[str]:
        """What will happen, to whom, in sentences."""
        raise NotImplementedError

    def ask(self, subject: Any, form: Any) -> RoomRequest:
        """Call the service. Raises Problems."""
        raise NotImplementedError

    def get(self, request: HttpRequest, **ids: UUID) -> HttpResponse:
        """The empty form."""
        return self.show(request, self.subject(**ids), self.form_class())

    def post(self, request: HttpRequest, **ids: UUID) -> HttpResponse:
        """Ask, or say what stands against it."""
        subject, form = self.subject(**ids), self.form_class(request.POST)
        if form.is_valid():
            with self.refusals(form):
                asked = self.ask(subject, form)
                return HttpResponseRedirect(self.link("room_request", asked.id))
        return self.show(request, subject, form, status=422)

    def show(
        self, request: HttpRequest, subject: Any, form: GuestsForm, status: int = 200
    ) -> HttpResponse:
        """The page."""
        context = {
            "title": self.title.format(subject),
            "consequences": self.consequences(subject),
            "form": form,
            "submit": self.submit,
            "cancel": self.link("room", subject.id) if subject else self.link("approvals"),
        }
        return self.page(request, "console/rooms/request_new.html", context, status)


def _decided_by() -> str:
    if policy().external_room_approvers == 1:
        return "Another administrator decides about it: you can't approve what you ask for."
    return "Two other administrators decide about it: you can't approve what you ask for."


class RoomRequestNewView(AskingView):
    """Ask for a room."""

    title = "Ask for an external room"
    form_class = RoomRequestForm

    def consequences(self, subject: Any) -> list[str]:
        """What an approval gives."""
        del subject
        return [
            _decided_by(),
            "Once it is approved, the guests are invited by SMS. You answer for them.",
            "Each guest's device waits for the comparison of its fingerprint.",
            (
                "The end lies at most "
                f"{policy().guest_stay_days} days from now. Then the room closes by itself."
            ),
        ]

    def ask(self, subject: Any, form: RoomRequestForm) -> RoomRequest:
        """Raises what `request_room` does."""
        del subject
        return request_room(**_terms(form))


class EmergencyRoomNewView(AskingView):
    """Open one at once, on duty."""

    title = "Open an emergency room"
    form_class = RoomRequestForm
    submit = "Open the room now"

    def subject(self, **ids: UUID) -> None:
        """None; the duty approver alone gets as far as this. Raises NotPermitted."""
        del ids
        rules = policy()
        if not rules.emergency_rooms or rules.duty_approver_id != self.seat.membership_id:
            raise NotPermitted(detail="Only the duty approver may open an emergency room.")

    def consequences(self, subject: Any) -> list[str]:
        """What happens at once, and what without a confirmation."""
        del subject
        return [
            "The room is open at once, and the guests are invited by SMS. You answer for them.",
            "It closes by itself after twelve hours, unless a second administrator confirms it.",
            "Once it is confirmed, it lasts until the end that you give here.",
        ]

    def ask(self, subject: Any, form: RoomRequestForm) -> RoomRequest:
        """Raises what `open_emergency_room` does."""
        del subject
        return open_emergency_room(**_terms(form))


def _terms(form: RoomRequestForm) -> dict[str, Any]:
    typed = form.cleaned_data
    return {
        "name": typed["name"],
        "purpose": typed["purpose"],
        "party": typed["party"],
        "closes_at": typed["closes_at"],
        "member_ids": typed["members"],
        "guests": form.drafts(),
    }


class RoomGuestsAddView(AskingView):
    """Ask for further guests."""

    title = "Ask for guests in {0.name}"
    form_class = MoreGuestsForm

    def subject(self, **ids: UUID) -> Room:
        """The room. Raises NotFound."""
        return external_room(ids["room_id"])

    def consequences(self, subject: Any) -> list[str]:
        """What an approval gives."""
        return [
            _decided_by(),
            f"The guests are people of {subject.party}. They stay until the room ends.",
            "They see what is sent from then on, and nothing from before.",
        ]

    def ask(self, subject: Any, form: MoreGuestsForm) -> RoomRequest:
        """Raises what `request_guests` does."""
        return request_guests(
            room_id=subject.id, guests=form.drafts(), reason=form.cleaned_data["reason"]
        )


class RoomRequestView(ConsoleView):
    """One request: all that approving it grants, to whom, until when; and the decision."""

    requires = Permission.PEOPLE_READ
    requires_to_change = Permission.ROOMS_MANAGE
    sensitive = True

    def get(self, request: HttpRequest, request_id: UUID) -> HttpResponse:
        """Show it; once decided, by whom and how."""
        return self.show(request, get_request(request_id), DecisionForm())

    def post(self, request: HttpRequest, request_id: UUID) -> HttpResponse:
        """Decide; whoever comes second sees what the first decided."""
        asked, form = get_request(request_id), DecisionForm(request.POST)
        if not form.is_valid():
            return self.show(request, asked, form, status=422)
        try:
            with self.refusals(form):
                if form.approves:
                    done = approve_request(request_id=asked.id)
                else:
                    done = deny_request(request_id=asked.id, reason=form.cleaned_data["reason"])
                messages.success(request, _said(done))
                return HttpResponseRedirect(self.link("approvals"))
        except RequestDecided:
            form = DecisionForm()
        return self.show(request, get_request(request_id), form, status=CONFLICT)

    def show(
        self, request: HttpRequest, asked: RoomRequest, form: DecisionForm, status: int = 200
    ) -> HttpResponse:
        """The page, as things stand."""
        pending = asked.status == RequestStatus.PENDING
        own = asked.requested_by_id == self.seat.membership_id
        # Of what waits, those that count; of what is decided, all that there were.
        approvals = approvals_of(asked) if pending else asked.decisions.filter(approved=True)
        approved_by = [one.by for one in approvals.select_related("by").order_by("at") if one.by]
        mine = any(one.id == self.seat.membership_id for one in approved_by)
        may_decide = Permission.ROOMS_MANAGE in self.seat.permissions
        context = {
            "title": f"{asked.room.name}: {KINDS[RequestKind(asked.kind)]}",
            "asked": asked,
            "form": form,
            "decided": "" if pending else decision_in_words(asked),
            "too_late": not pending and status == CONFLICT,
            "approved_by": approved_by,
            "missing": asked.approvals_needed - len(approved_by),
            "may_decide": pending and may_decide and not own and not mine,
            "may_withdraw": pending and own and asked.kind != RequestKind.CONFIRMATION,
            "own": own,
            "mine": mine,
        }
        return self.page(request, "console/rooms/request_decide.html", context, status)


KINDS = {
    RequestKind.OPENING: "a new external room",
    RequestKind.GUESTS: "further guests",
    RequestKind.EXTENSION: "a later end",
    RequestKind.CONFIRMATION: "an emergency room",
}


def _said(done: RoomRequest) -> str:
    what = f"{done.room.name}, {KINDS[RequestKind(done.kind)]}"
    if done.status == RequestStatus.PENDING:
        return f"You approved {what}. A second administrator has to approve it too."
    return f"{what}: {done.get_status_display().lower()}."
