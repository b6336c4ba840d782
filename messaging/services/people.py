"""What rooms do when something happens to people (kernel/hooks.py)."""

from messaging.models import RoomMembership
from messaging.services.periods import end_periods, tell_rooms
from semafore.kernel import hooks


def on_membership_suspended(change: hooks.MembershipChanged) -> None:
    """The person stays in the rooms and is reached by nobody; who is there with them looks."""
    tell_rooms(
        RoomMembership.objects.filter(
            membership_id=change.membership_id, ended_at=None
        ).values_list("room_id", flat=True)
    )


def on_membership_ended(change: hooks.MembershipChanged) -> None:
    """The person leaves every room, for the same reason."""
    periods = RoomMembership.objects.filter(membership_id=change.membership_id, ended_at=None)
    end_periods(list(periods.select_related("room", "membership")), reason=change.reason)
