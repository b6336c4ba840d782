"""Suspending and activating one person's membership."""

from typing import Any

from keys.selectors.devices import devices_of
from keys.services.revocation import LIVE
from orgs.console.members import MemberDecisionView
from orgs.forms.members import ReasonForm
from orgs.models import Membership
from orgs.services.memberships import lift_suspension, suspend_membership


def _devices(person: Membership) -> str:
    count = devices_of(person.id).filter(status__in=LIVE).count()
    return "1 device" if count == 1 else f"{count} devices"


class MemberSuspendView(MemberDecisionView):
    """Out for now."""

    title = "Suspend {0.name}"
    form_class = ReasonForm
    submit = "Suspend"
    danger = True

    def consequences(self, subject: Membership) -> list[str]:
        """What stops, and what stays."""
        return [
            f"{_devices(subject)} of {subject.name}: no access, and disconnected, at once.",
            "The console is closed to them.",
            "Their keys and what waits for them stay, for the day the suspension is lifted.",
        ]

    def act(self, subject: Membership, data: dict[str, Any]) -> str:
        """Raises NotFound, OwnMembership, RoleAbove, LastOwner, MembershipTransition."""
        suspend_membership(membership_id=subject.id, reason=data["reason"])
        return f"{subject.name} is suspended."


class MemberActivateView(MemberDecisionView):
    """In again."""

    title = "Activate {0.name}"
    form_class = ReasonForm
    submit = "Activate"

    def consequences(self, subject: Membership) -> list[str]:
        """What begins again."""
        return [
            f"{subject.name} may sign in and talk again as {subject.get_role_display().lower()}.",
            "Devices that were approved need no new approval; others still wait for theirs.",
        ]

    def act(self, subject: Membership, data: dict[str, Any]) -> str:
        """Raises NotFound, RoleAbove, MembershipTransition."""
        lift_suspension(membership_id=subject.id, reason=data["reason"])
        return f"{subject.name} is active."
