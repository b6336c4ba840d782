"""Pages of external parties."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse

from keys.selectors.health import approved_devices
from messaging.console.acts import Act
from messaging.filters import PartyFilterForm
from messaging.selectors.parties import (
    guests_of,
    parties,
    party,
    party_rooms,
    party_rows,
    sponsors_of,
)
from messaging.selectors.room_list import room_rows
from messaging.selectors.roster import SHOWN
from orgs.models import ExternalParty
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.paging import paginate
from semafore.kernel.permissions import Permission


class PartiesView(ConsoleView):
    """Every company whose people are or were guests, by name."""

    requires = Permission.PEOPLE_READ
    title = "External parties"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page that the address names."""
        form = PartyFilterForm(request.GET)
        found = parties(**form.cleaned_data) if form.is_valid() else ExternalParty.objects.none()
        page = paginate(found, by=("name", "id"), cursor=request.GET.get("cursor"))
        context = {
            "form": form,
            "page": page,
            "rows": party_rows(page.rows),
            "filtered": bool(request.GET),
            "traffic": Permission.AUDIT_READ_TRAFFIC in self.seat.permissions,
        }
        return self.page(request, "console/parties/list.html", context)


class PartyView(ConsoleView):
    """One company: its people, its rooms, who answers for them."""

    requires = Permission.PEOPLE_READ

    def get(self, request: HttpRequest, party_id: UUID) -> HttpResponse:
        """The party, and the page of its people that the address names. Raises NotFound."""
        found = party(party_id)
        row = party_rows([found])[0]
        people = paginate(guests_of(found.id), by=("name", "id"), cursor=request.GET.get("cursor"))
        devices = approved_devices([guest.id for guest in people.rows])
        rooms = room_rows(list(party_rooms(found.id)[: SHOWN + 1]))
        ends = Permission.ROOMS_MANAGE in self.seat.permissions and (row.guests or row.rooms)
        context = {
            "title": found.name,
            "party": found,
            "row": row,
            "page": people,
            "guests": [(guest, devices.get(guest.id, 0)) for guest in people.rows],
            "rooms": rooms[:SHOWN],
            "more_rooms": len(rooms) > SHOWN,
            "sponsors": sponsors_of(found.id),
            "traffic": Permission.AUDIT_READ_TRAFFIC in self.seat.permissions,
            "acts": self._acts(found, ends=bool(ends)),
        }
        return self.page(request, "console/parties/party.html", context)

    def _acts(self, found: ExternalParty, *, ends: bool) -> list[Act]:
        """What the signed-in person may do; `ends`: whether there is something to cut off."""
        acts: list[Act] = []
        if Permission.INVESTIGATE in self.seat.permissions:
            acts.append(Act("Report", f"{self.link('reports')}?party={found.id}"))
        if ends:
            acts.append(Act("Cut off", self.link("party_cut_off", found.id), danger=True))
        return acts
