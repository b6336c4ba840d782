"""Who administers a room: decided by the organisation's own administrators too."""

from typing import Any
from uuid import UUID

from messaging.forms import AppointForm
from messaging.models import RoomMembership, RoomRole
from messaging.services.members import appoint
from semafore.kernel.http.decisions import DecisionView
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound


class RoomAppointView(DecisionView):
    """Make somebody of a room its administrator, or not any more."""

    requires = Permission.ROOMS_MANAGE
    title = "Role of {0.membership.name} in {0.room.name}"
    form_class = AppointForm
    submit = "Save"

    def subject(self, **ids: UUID) -> RoomMembership:
        """The person's open period in the room. Raises NotFound."""
        periods = RoomMembership.objects.select_related("room", "membership")
        found = periods.filter(**ids, ended_at=None).first()
        if found is None:
            raise NotFound
        return found

    def initial(self, subject: RoomMembership) -> dict[str, Any]:
        """The role as it is."""
        return {"role": subject.role}

    def consequences(self, subject: RoomMembership) -> list[str]:
        """What the role decides."""
        del subject
        return ["A room's administrators add and remove its people, and ask for guests and time."]

    def elsewhere(self, subject: RoomMembership) -> str:
        """The room's page."""
        return self.link("room", subject.room_id)

    def act(self, subject: RoomMembership, data: dict[str, Any]) -> str:
        """Raises what `appoint` does."""
        appoint(
            room_id=subject.room_id,
            membership_id=subject.membership_id,
            role=RoomRole(data["role"]),
        )
        return "Saved."
