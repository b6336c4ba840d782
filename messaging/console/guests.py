"""Decisions about guests, wherever they are: a party cut off, a sponsor who is gone."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from messaging.forms import ReasonForm, TakeOverForm
from messaging.models import Room
from messaging.selectors.external import external_party
from messaging.services.ends import UNCLOSED, cut_off_party
from orgs.models import ExternalParty, Membership, MembershipStatus
from orgs.selectors.leavers import guests_without_sponsor
from orgs.services.sponsors import take_over_guests
from semafore.kernel.http.decisions import DecisionView
from semafore.kernel.permissions import Permission


class PartyCutOffView(DecisionView):
    """End all that is shared with a company, at once."""

    requires = Permission.ROOMS_MANAGE
    title = "Cut off {0.name}"
    form_class = ReasonForm
    submit = "Cut off now"
    danger = True

    def subject(self, **ids: UUID) -> ExternalParty:
        """The party. Raises NotFound."""
        return external_party(ids["party_id"])

    def consequences(self, subject: ExternalParty) -> list[str]:
        """How much ends."""
        rooms = Room.objects.filter(party=subject, status__in=UNCLOSED).count()
        guests = Membership.objects.filter(party=subject).exclude(status=MembershipStatus.ENDED)
        return [
            f"Rooms that close at once: {rooms}.",
            f"Guests who leave at once, and whose devices are revoked: {guests.count()}.",
            "Invitations and requests that wait are withdrawn.",
            "This can't be undone. To work with the company again, ask for a room anew.",
        ]

    def elsewhere(self, subject: ExternalParty) -> str:
        """The party's page."""
        return self.link("party", subject.id)

    def act(self, subject: ExternalParty, data: dict[str, Any]) -> str:
        """Raises NotFound, NotPermitted."""
        cut_off_party(party_id=subject.id, reason=data["reason"])
        return f"{subject.name} is cut off."


class GuestsTakeOverView(DecisionView):
    """Give guests whose sponsor is gone another one."""

    requires = Permission.ROOMS_MANAGE
    title = "Guests without a sponsor"
    form_class = TakeOverForm
    submit = "Take over"

    def get(self, request: HttpRequest, **ids: UUID) -> HttpResponse:
        """Ask, if there is anybody to ask about."""
        if guests_without_sponsor().exists():
            return super().get(request, **ids)
        messages.info(request, "Every guest has a sponsor who is here.")
        return HttpResponseRedirect(self.link("overview"))

    def subject(self, **ids: UUID) -> None:
        """All of them."""
        del ids

    def consequences(self, subject: None) -> list[str]:
        """What a sponsor is for."""
        del subject
        return [
            "The sponsor of these guests is suspended or has left. They stay in their rooms.",
            "The new sponsor answers for them, and is told before their time ends.",
        ]

    def elsewhere(self, subject: None) -> str:
        """The overview, where they are counted."""
        del subject
        return self.link("overview")

    def act(self, subject: None, data: dict[str, Any]) -> str:
        """Raises NotFound, SponsorInvalid."""
        del subject
        taken = take_over_guests(
            membership_ids=data["guests"], sponsor_id=data["sponsor"] or self.seat.membership_id
        )
        return f"Guests with a new sponsor: {len(taken)}."
