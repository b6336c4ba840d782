"""Supplier breach: all that is shared with a company ends; what its people had access to."""

from typing import Any
from uuid import UUID

from django.http import QueryDict

from console.playbooks.acts import cut_off_supplier
from console.playbooks.catalogue import SUPPLIER_BREACH
from console.playbooks.guided import Choice, PlaybookView, id_of
from messaging.forms import ReasonForm
from messaging.selectors.access import SHOWN, access_of, open_to
from messaging.selectors.parties import parties, party
from orgs.models import ExternalParty
from semafore.kernel.permissions import Permission

LIMIT = 10


class SupplierBreachView(PlaybookView):
    """One external party is cut off."""

    requires_to_change = Permission.ROOMS_MANAGE
    playbook = SUPPLIER_BREACH
    template = "console/playbooks/supplier_breach.html"
    asks = "Which company is affected?"
    hint = "The beginning of its name."

    def subject(self, query: QueryDict) -> ExternalParty | None:
        """The party. Raises NotFound."""
        party_id = id_of(query, "party")
        return None if party_id is None else party(party_id)

    def choices(self, words: str) -> list[Choice]:
        """Companies."""
        found = parties(text=words).order_by("name", "id")[:LIMIT]
        return [Choice(one.name, "", "", f"party={one.id}") for one in found]

    def plan(self, subject: ExternalParty) -> dict[str, Any]:
        """Item by item what will end, and what they had access to since when."""
        traffic = Permission.AUDIT_READ_TRAFFIC in self.seat.permissions
        shared = open_to(subject.id)
        access = access_of(subject.id, traffic=traffic)
        return {
            "party": subject,
            "shared": shared,
            "access": access[:SHOWN],
            "more": len(access) > SHOWN,
            "shown": SHOWN,
            "traffic": traffic,
            "why_not": ""
            if shared
            else f"It is done already: nothing is shared with {subject.name} any more.",
        }

    def form(self, subject: ExternalParty, data: QueryDict | None = None) -> ReasonForm:
        """The reason alone."""
        del subject
        return ReasonForm(data)

    def act(self, subject: ExternalParty, form: ReasonForm) -> UUID:
        """Raises what `cut_off_supplier` does."""
        return cut_off_supplier(party_id=subject.id, reason=form.cleaned_data["reason"])
