"""Changing what a person is called, their role, and their end."""

from typing import Any
from uuid import UUID

from orgs.forms.members import EndDateForm, MemberForm, RoleForm
from orgs.models import Membership, Role
from orgs.selectors.members import member
from orgs.services.ends import change_end
from orgs.services.memberships import change_role, edit_membership
from semafore.kernel.http.decisions import DecisionView
from semafore.kernel.permissions import Permission


class MemberDecisionView(DecisionView):
    """A decision about one person; back to their page."""

    requires = Permission.PEOPLE_MANAGE

    def subject(self, **ids: UUID) -> Membership:
        """The person. Raises NotFound."""
        return member(ids["membership_id"])

    def elsewhere(self, subject: Membership) -> str:
        """The person's page."""
        return self.link("member", subject.id)


class MemberRoleView(MemberDecisionView):
    """Another role; nobody changes their own, and an owner remains."""

    requires = Permission.ROLES_MANAGE
    title = "Change the role of {0.name}"
    form_class = RoleForm
    submit = "Change role"

    def consequences(self, subject: Membership) -> list[str]:
        """What the role decides."""
        return [
            f"{subject.name} is {subject.get_role_display().lower()} now.",
            "The new role counts from their next click or request on.",
        ]

    def initial(self, subject: Membership) -> dict[str, Any]:
        """The role as it is."""
        return {"role": subject.role}

    def act(self, subject: Membership, data: dict[str, Any]) -> str:
        """Raises NotFound, OwnRole, RoleAbove, LastOwner, MembershipTransition."""
        changed = change_role(membership_id=subject.id, role=Role(data["role"]))
        return f"{changed.name} is {Role(changed.role).label.lower()} now."


class MemberEditView(MemberDecisionView):
    """Name and unit."""

    sensitive = False
    title = "Change name and unit of {0.name}"
    form_class = MemberForm
    submit = "Save"

    def consequences(self, subject: Membership) -> list[str]:
        """Where the new name shows."""
        return [
            f"Everybody who may write to {subject.name} sees the new name.",
            "Events that were recorded keep the old one.",
        ]

    def initial(self, subject: Membership) -> dict[str, Any]:
        """As they are."""
        return {"name": subject.name, "unit": subject.unit}

    def act(self, subject: Membership, data: dict[str, Any]) -> str:
        """Raises NotFound, RoleAbove."""
        edit_membership(membership_id=subject.id, name=data["name"], unit=data["unit"])
        return "Saved."


class MemberEndDateView(MemberDecisionView):
    """When the membership ends by itself, or that it doesn't."""

    title = "Set when the membership of {0.name} ends"
    form_class = EndDateForm
    submit = "Save"

    def consequences(self, subject: Membership) -> list[str]:
        """What happens then."""
        return [
            f"At that moment {subject.name} is refused everywhere, and every device is revoked.",
            "Until then nothing changes.",
        ]

    def initial(self, subject: Membership) -> dict[str, Any]:
        """As it is."""
        return {"ends_at": subject.ends_at}

    def act(self, subject: Membership, data: dict[str, Any]) -> str:
        """Raises what `change_end` does."""
        changed = change_end(membership_id=subject.id, ends_at=data["ends_at"])
        if changed.ends_at is None:
            return "The membership has no end now."
        return f"The membership ends on {changed.ends_at:%-d %B %Y at %H:%M} UTC."
