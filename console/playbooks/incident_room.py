"""Incident room: an external room at once, by the rules of emergency rooms."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import QueryDict

from console.playbooks.acts import open_incident_room
from console.playbooks.catalogue import INCIDENT_ROOM
from console.playbooks.guided import PlaybookView, id_of
from messaging.forms import RoomRequestForm
from messaging.selectors.parties import party
from orgs.models import Policy
from orgs.selectors.members import member
from orgs.selectors.settings import policy
from semafore.kernel.permissions import Permission


@dataclass(frozen=True, slots=True)
class Incident:
    """Whom the address names beforehand, as the form writes them; empty for nobody."""

    company: str
    person: str


class IncidentRoomView(PlaybookView):
    """The first step is the form itself: who is affected is who is to talk."""

    requires_to_change = Permission.ROOMS_MANAGE
    playbook = INCIDENT_ROOM
    template = "console/playbooks/incident_room.html"

    def subject(self, query: QueryDict) -> Incident:
        """Whom the address names. Raises NotFound."""
        company, person = id_of(query, "party"), id_of(query, "person")
        return Incident(
            company=party(company).name if company else "",
            person=_known_by(person) if person else "",
        )

    def plan(self, subject: Incident) -> dict[str, Any]:
        """Why not, if not."""
        del subject
        return {"why_not": self._why_not(policy())}

    def _why_not(self, rules: Policy) -> str:
        if not rules.emergency_rooms:
            return "The organisation's policy has no emergency rooms. Ask for an external room."
        if rules.duty_approver_id is None:
            return "The policy names no duty approver. Ask for an external room."
        if rules.duty_approver_id != self.seat.membership_id:
            on_duty = member(rules.duty_approver_id)
            return f"Only the duty approver opens one: that is {on_duty.name}."
        return ""

    def form(self, subject: Incident, data: QueryDict | None = None) -> RoomRequestForm:
        """The room, with its people of both sides."""
        return RoomRequestForm(data, initial={"party": subject.company, "members": subject.person})

    def act(self, subject: Incident, form: RoomRequestForm) -> UUID:
        """Raises what `open_emergency_room` does."""
        del subject
        typed = form.cleaned_data
        return open_incident_room(
            name=typed["name"],
            purpose=typed["purpose"],
            party=typed["party"],
            closes_at=typed["closes_at"],
            member_ids=typed["members"],
            guests=form.drafts(),
        )


def _known_by(person_id: UUID) -> str:
    """What the form's field knows somebody by. Raises NotFound."""
    person = member(person_id)
    return person.phone or person.email
