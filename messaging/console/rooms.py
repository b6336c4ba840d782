"""Pages of rooms: the list, one room with its timeline, everybody who is or was in it."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from messaging.console.acts import Act
from messaging.filters import RoomFilterForm
from messaging.models import Room, RoomKind, RoomStatus
from messaging.selectors.room_list import (
    last_messages,
    room,
    room_rows,
    rooms,
    standing_of,
    titles_of,
)
from messaging.selectors.roster import (
    SHOWN,
    pending_requests,
    periods,
    presences,
    roster,
    threads_of,
)
from messaging.selectors.timeline import Strand, strands_of, timeline
from messaging.selectors.traffic import volume_of
from orgs.selectors.settings import policy
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.paging import paginate
from semafore.kernel.permissions import Permission

LABELS = {
    Strand.ROOM: "Opening and closing",
    Strand.PEOPLE: "Who came and went",
    Strand.REQUESTS: "Requests",
    Strand.SCREENSHOTS: "Screenshots",
    Strand.MESSAGES: "Messages",
    Strand.DELIVERIES: "Deliveries",
}


class RoomsView(ConsoleView):
    """Every room, internal and external, newest first."""

    requires = Permission.PEOPLE_READ
    title = "Rooms"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page that the address names."""
        traffic = Permission.AUDIT_READ_TRAFFIC in self.seat.permissions
        form = RoomFilterForm(request.GET)
        found = (
            rooms(**form.cleaned_data, traffic=traffic) if form.is_valid() else Room.objects.none()
        )
        page = paginate(found, by=("-created_at", "-id"), cursor=request.GET.get("cursor"))
        context = {
            "form": form,
            "page": page,
            "rows": room_rows(page.rows),
            "filtered": bool(request.GET),
            "traffic": traffic,
            "acts": self._acts(),
        }
        return self.page(request, "console/rooms/list.html", context)

    def _acts(self) -> list[Act]:
        """The ways to an external room; the short one is for the duty approver."""
        if Permission.ROOMS_MANAGE not in self.seat.permissions:
            return []
        acts = [Act("Ask for an external room", self.link("room_request_new"), primary=True)]
        rules = policy()
        if rules.emergency_rooms and rules.duty_approver_id == self.seat.membership_id:
            acts.append(Act("Open an emergency room", self.link("room_emergency_new")))
        return acts


class RoomView(ConsoleView):
    """One room: what it is for, who is in it on which side, and all that happened in it."""

    requires = Permission.PEOPLE_READ

    def get(self, request: HttpRequest, room_id: UUID) -> HttpResponse:
        """The room, and the page of its timeline that the address names. Raises NotFound."""
        found = room(room_id)
        may = self.seat.permissions
        traffic = Permission.AUDIT_READ_TRAFFIC in may
        strands = strands_of(found, traffic=traffic)
        chosen = [strand for strand in strands if strand == request.GET.get("kind")]
        context = {
            "title": titles_of([found])[found.id],
            "room": found,
            "standing": standing_of(found),
            "external": found.kind == RoomKind.EXTERNAL,
            "traffic": traffic,
            "last_message": last_messages([found.id]).get(found.id),
            "volume": volume_of(found.id) if traffic else None,
            "roster": roster(found.id),
            "threads": threads_of(found.id)[:SHOWN],
            "requests": pending_requests(found.id),
            "strands": [(strand, LABELS[strand]) for strand in strands],
            "strand": chosen[0] if chosen else "",
            "page": timeline(found.id, strands=chosen or strands, cursor=request.GET.get("cursor")),
            **self._may(found),
        }
        return self.page(request, "console/rooms/room.html", context)

    def _may(self, found: Room) -> dict[str, Any]:
        """What the signed-in person may do with the room just now."""
        manages = Permission.ROOMS_MANAGE in self.seat.permissions
        live = found.status == RoomStatus.ACTIVE
        acts: list[Act] = []
        if Permission.HOLDS_PLACE in self.seat.permissions:
            acts.append(Act("Place a hold", f"{self.link('hold_new')}?room={found.id}"))
        if Permission.INVESTIGATE in self.seat.permissions:
            acts.append(Act("Report", f"{self.link('reports')}?room={found.id}"))
        if manages and live and found.kind == RoomKind.EXTERNAL:
            acts.append(Act("Extend", self.link("room_extend", found.id)))
            acts.append(Act("Add guests", self.link("room_guests_add", found.id)))
        if manages and live and found.kind != RoomKind.DIRECT:
            acts.append(Act("Close now", self.link("room_close", found.id), danger=True))
        return {
            "acts": acts,
            "may_audit": Permission.AUDIT_READ in self.seat.permissions,
            "may_change": manages and live and found.kind != RoomKind.DIRECT,
        }


class RoomPeopleView(ConsoleView):
    """Everybody who is in a room, or was."""

    requires = Permission.PEOPLE_READ

    def get(self, request: HttpRequest, room_id: UUID) -> HttpResponse:
        """One of the two lists, by name or the latest leaver first. Raises NotFound."""
        found = room(room_id)
        former = request.GET.get("tab") == "former"
        by = ("-ended_at", "-id") if former else ("membership__name", "id")
        page = paginate(periods(found.id, former=former), by=by, cursor=request.GET.get("cursor"))
        context = {
            "title": f"People in {titles_of([found])[found.id]}",
            "room": found,
            "former": former,
            "page": page,
            "presences": presences(page.rows),
        }
        return self.page(request, "console/rooms/people.html", context)
