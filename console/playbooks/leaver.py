"""Leaver: what must be handed over, then the end; afterwards what was ended, and what is left."""

from typing import Any
from uuid import UUID

from django.http import QueryDict

from console.playbooks.acts import let_go
from console.playbooks.catalogue import LEAVER
from console.playbooks.guided import Choice, PlaybookView, id_of
from console.selectors.people import handover, leaver_record
from console.selectors.search import people_called
from keys.selectors.devices import devices_of
from keys.services.revocation import LIVE
from messaging.forms import ReasonForm
from orgs.models import Membership, MembershipStatus
from orgs.selectors.members import member
from orgs.services.memberships import check_move
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import Problem


class LeaverView(PlaybookView):
    """One membership ends."""

    requires_to_change = Permission.PEOPLE_MANAGE
    playbook = LEAVER
    template = "console/playbooks/leaver.html"
    asks = "Who leaves?"
    hint = "The person's name, phone number or email address."

    def subject(self, query: QueryDict) -> Membership | None:
        """The person. Raises NotFound."""
        person_id = id_of(query, "person")
        return None if person_id is None else member(person_id)

    def choices(self, words: str) -> list[Choice]:
        """People."""
        return [
            Choice(one.name, one.phone or one.email, one.status, f"person={one.id}")
            for one in people_called(words)
        ]

    def plan(self, subject: Membership) -> dict[str, Any]:
        """What hangs on them; once they have left, what was ended with them."""
        ended = subject.status == MembershipStatus.ENDED
        live = [one for one in devices_of(subject.id) if one.status in LIVE]
        return {
            "person": subject,
            "record": leaver_record(subject.id) if ended else None,
            "handover": handover(subject.id),
            "live": live,
            "why_not": self._why_not(subject),
        }

    def _why_not(self, person: Membership) -> str:
        if person.status == MembershipStatus.ENDED:
            return "It is done already: this membership has ended."
        try:
            check_move(person, MembershipStatus.ENDED)
        except Problem as problem:
            return problem.detail
        return ""

    def form(self, subject: Membership, data: QueryDict | None = None) -> ReasonForm:
        """The reason alone."""
        del subject
        return ReasonForm(data)

    def act(self, subject: Membership, form: ReasonForm) -> UUID:
        """Raises what `let_go` does."""
        return let_go(membership_id=subject.id, reason=form.cleaned_data["reason"])
