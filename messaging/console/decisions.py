"""Pages for one decision about an external room or a request."""

from typing import Any
from uuid import UUID

from messaging.forms import ExtensionForm, ReasonForm
from messaging.models import Room, RoomKind, RoomRequest
from messaging.selectors.external import external_room, named_room, present_guests
from messaging.selectors.requests import get_request
from messaging.services.ends import close_room, remove_guest
from messaging.services.requests import request_extension, withdraw_request
from orgs.models import Membership, MembershipKind
from orgs.selectors.members import member
from semafore.kernel.http.decisions import DecisionView
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound

ABOUT_GUESTS = (
    (
        "Guests who are in no other room leave the organisation: their devices are revoked and "
        "disconnected, at once. Invitations to it are revoked."
    ),
    "Requests about the room lapse.",
)


class RoomDecisionView(DecisionView):
    """A decision about one external room; back to its page."""

    requires = Permission.ROOMS_MANAGE

    def subject(self, **ids: UUID) -> Room:
        """The room. Raises NotFound."""
        return external_room(ids["room_id"])

    def elsewhere(self, subject: Room) -> str:
        """The room's page."""
        return self.link("room", subject.id)


class RoomExtendView(RoomDecisionView):
    """Ask for a later end."""

    title = "Ask for a later end of {0.name}"
    form_class = ExtensionForm
    submit = "Ask for the approval"

    def initial(self, subject: Room) -> dict[str, Any]:
        """The end as it is."""
        return {"closes_at": subject.closes_at}

    def consequences(self, subject: Room) -> list[str]:
        """What an approval gives, and what happens without."""
        return [
            (
                f"The room ends on {subject.closes_at:%-d %B %Y at %H:%M} UTC as long as nobody "
                "approves another end. You can't approve what you ask for."
            ),
            "With the room, its guests stay longer.",
        ]

    def act(self, subject: Room, data: dict[str, Any]) -> str:
        """Raises what `request_extension` does."""
        request_extension(room_id=subject.id, closes_at=data["closes_at"], reason=data["reason"])
        return "The later end waits for its approval."


class RoomCloseView(RoomDecisionView):
    """Close it now."""

    title = "Close {0.name}"
    form_class = ReasonForm
    submit = "Close the room now"
    danger = True

    def subject(self, **ids: UUID) -> Room:
        """The room, of whatever kind but a direct one. Raises NotFound."""
        return named_room(ids["room_id"])

    def consequences(self, subject: Room) -> list[str]:
        """What ends, for whom."""
        guests = [period.membership.name for period in present_guests(subject)]
        threads = subject.threads.filter(closed_at=None).exists()
        return [
            "Nothing can be sent in it from now on. It can't be opened again.",
            *(["Its threads close with it."] if threads else []),
            *([f"Guests: {', '.join(guests)}."] if guests else []),
            *(ABOUT_GUESTS if threads or subject.kind == RoomKind.EXTERNAL else []),
        ]

    def act(self, subject: Room, data: dict[str, Any]) -> str:
        """Raises NotFound, NotPermitted, RoomClosed."""
        close_room(room_id=subject.id, reason=data["reason"])
        return f"{subject.name} is closed."


class RoomGuestRemoveView(DecisionView):
    """Take one guest out of a room."""

    requires = Permission.ROOMS_MANAGE
    title = "Remove {0[1].name} from {0[0].name}"
    form_class = ReasonForm
    submit = "Remove the guest"
    danger = True

    def subject(self, **ids: UUID) -> tuple[Room, Membership]:
        """Room and guest. Raises NotFound."""
        room, guest = external_room(ids["room_id"]), member(ids["membership_id"])
        if guest.kind != MembershipKind.GUEST:
            raise NotFound
        return room, guest

    def consequences(self, subject: tuple[Room, Membership]) -> list[str]:
        """What ends, and what stays."""
        room, guest = subject
        return [
            (
                f"{guest.name} gets nothing that is sent in {room.name} or its threads from now "
                "on. What reached their devices stays there."
            ),
            (
                f"If {guest.name} is in no other room, the membership ends and its devices are "
                "revoked, at once."
            ),
            "To let them in again takes a new approval.",
        ]

    def elsewhere(self, subject: tuple[Room, Membership]) -> str:
        """The room's page."""
        return self.link("room", subject[0].id)

    def act(self, subject: tuple[Room, Membership], data: dict[str, Any]) -> str:
        """Raises NotFound, NotPermitted."""
        room, guest = subject
        remove_guest(room_id=room.id, membership_id=guest.id, reason=data["reason"])
        return f"{guest.name} is out of {room.name}."


class RoomWithdrawView(DecisionView):
    """Take one's own request back."""

    requires = Permission.ROOMS_MANAGE
    sensitive = False
    title = "Withdraw the request about {0.room.name}"
    form_class = ReasonForm
    submit = "Withdraw the request"

    def subject(self, **ids: UUID) -> RoomRequest:
        """The request. Raises NotFound."""
        return get_request(ids["request_id"])

    def consequences(self, subject: RoomRequest) -> list[str]:
        """Nothing of it happens."""
        del subject
        return ["Nobody has to decide it any more, and nothing of it happens."]

    def elsewhere(self, subject: RoomRequest) -> str:
        """The request's page."""
        return self.link("room_request", subject.id)

    def act(self, subject: RoomRequest, data: dict[str, Any]) -> str:
        """Raises NotFound, NotPermitted, RequestDecided, RequestTerms."""
        withdraw_request(request_id=subject.id, reason=data["reason"])
        return "The request is withdrawn."
