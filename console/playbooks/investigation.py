"""Investigation: a hold, and a case that gathers what is looked at; its subject isn't told."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import QueryDict

from console.forms.playbooks import InvestigationForm
from console.playbooks.acts import investigate
from console.playbooks.catalogue import INVESTIGATION
from console.playbooks.guided import Choice, PlaybookView, id_of
from console.selectors.search import people_called, rooms_called
from messaging.models import Room
from messaging.selectors.room_list import room, titles_of
from orgs.models import Membership
from orgs.selectors.members import member
from semafore.kernel.permissions import Permission


@dataclass(frozen=True, slots=True)
class Examined:
    """A person, or a room with its title."""

    person: Membership | None
    room: tuple[Room, str] | None


class InvestigationView(PlaybookView):
    """One person, or one room."""

    requires_to_change = Permission.HOLDS_PLACE
    playbook = INVESTIGATION
    template = "console/playbooks/investigation.html"
    asks = "Who or what is investigated?"
    hint = "A person's name, number or address, or the name of a room."

    def subject(self, query: QueryDict) -> Examined | None:
        """The person, the room, or the person in the room. Raises NotFound."""
        person_id, room_id = id_of(query, "person"), id_of(query, "room")
        if person_id is None and room_id is None:
            return None
        where = room(room_id) if room_id else None
        return Examined(
            member(person_id) if person_id else None,
            (where, titles_of([where])[where.id]) if where else None,
        )

    def choices(self, words: str) -> list[Choice]:
        """People, then rooms."""
        people = [
            Choice(one.name, one.phone or one.email, one.status, f"person={one.id}")
            for one in people_called(words)
        ]
        return people + [
            Choice(title, one.get_kind_display(), one.status, f"room={one.id}")
            for one, title in rooms_called(words)
        ]

    def plan(self, subject: Examined) -> dict[str, Any]:
        """Whom it is about."""
        return {"person": subject.person, "room": subject.room}

    def form(self, subject: Examined, data: QueryDict | None = None) -> InvestigationForm:
        """The period, why, and for which case."""
        del subject
        return InvestigationForm(data)

    def act(self, subject: Examined, form: InvestigationForm) -> UUID:
        """Raises HoldInvalid, PlaybookDone."""
        return investigate(person=subject.person, room=subject.room, **form.cleaned_data)
