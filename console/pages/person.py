"""Everything that the organisation knows of one person."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch

from audit.selectors.reading import reader_of
from console.playbooks.catalogue import LEAVER
from console.selectors.people import invitations_of, titled
from keys.selectors.devices import devices_of
from keys.selectors.health import reports
from keys.services.revocation import LIVE
from messaging.selectors.roster import SHOWN, rooms_of
from orgs.models import Membership, MembershipKind, MembershipStatus
from orgs.selectors.members import changes_of, member
from orgs.services.memberships import check_move, owners_by_owners
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.names import called
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import Problem


@dataclass(frozen=True, slots=True)
class Act:
    """What may be done, and where."""

    label: str
    address: str
    danger: bool = False


MOVES = (
    ("Activate", "member_activate", MembershipStatus.ACTIVE, False),
    ("Suspend", "member_suspend", MembershipStatus.SUSPENDED, True),
)
"""The words, the page, what becomes of the membership, whether it destroys."""

LET_IN = (MembershipStatus.PENDING, MembershipStatus.ACTIVE)
"""What an approval alone does."""


class PersonView(ConsoleView):
    """What is known, the devices, the history, and what may be done about it."""

    requires = Permission.PEOPLE_READ

    def get(self, request: HttpRequest, membership_id: UUID) -> HttpResponse:
        """The person. Raises NotFound."""
        person = member(membership_id)
        may = self.seat.permissions
        devices = reports(list(devices_of(person.id)))
        context = {
            "title": called(person),
            "person": person,
            "acts": self._acts(person),
            "may_audit": Permission.AUDIT_READ in may,
            "reports": devices,
            "live": LIVE,
            "may_revoke": Permission.DEVICES_MANAGE in may,
            "may_report_lost": Permission.DEVICES_REPORT_LOST in may,
            "open_rooms": titled(rooms_of(person.id, former=False)[:SHOWN]),
            "former_rooms": titled(rooms_of(person.id, former=True)[:SHOWN]),
            "shown": SHOWN,
            "changes": changes_of(person.id),
            "invitations": invitations_of(person.id),
            "replacement": self._replacement(
                person, has_device=any(report.device.status in LIVE for report in devices)
            ),
        }
        return self.page(request, "console/person.html", context)

    def _acts(self, person: Membership) -> list[Act]:
        """What the signed-in person may do, less what the services would refuse."""
        may = self.seat.permissions
        ended = person.status == MembershipStatus.ENDED
        oneself = person.id in reader_of(self.seat).own
        leaver = f"{self.link(LEAVER.page)}?person={person.id}"
        acts = [Act("Leaver's record", leaver)] if ended else []
        if Permission.HOLDS_PLACE in may:
            acts.append(Act("Place a hold", f"{self.link('hold_new')}?person={person.id}"))
        if Permission.AUDIT_EXPORT in may:
            acts.append(Act("Subject access export", self.link("subject_access", person.id)))
        if Permission.INVESTIGATE in may and not oneself:
            acts.append(Act("Report", f"{self.link('reports')}?person={person.id}"))
        if not _passes(owners_by_owners, person.role):
            return acts
        if Permission.PEOPLE_MANAGE in may and person.name:
            acts.append(Act("Change name or unit", self.link("member_edit", person.id)))
        if ended or oneself:
            return acts
        if Permission.ROLES_MANAGE in may and person.kind == MembershipKind.MEMBER:
            acts.append(Act("Change role", self.link("member_role", person.id)))
        if Permission.PEOPLE_MANAGE in may:
            acts.append(Act("Set or clear end", self.link("member_end_date", person.id)))
            acts.extend(self._link_to("Reset second factor", "factor_reset", person.id))
            acts.extend(
                Act(label, self.link(name, person.id), danger=danger)
                for label, name, to, danger in MOVES
                if _passes(check_move, person, to) and (person.status, to) != LET_IN
            )
            if _passes(check_move, person, MembershipStatus.ENDED):
                acts.append(Act("End membership", leaver, danger=True))
        return acts

    def _replacement(self, person: Membership, *, has_device: bool) -> list[Act]:
        """An invitation for another device, where there is none left."""
        wanted = person.status == MembershipStatus.ACTIVE and not has_device
        if not wanted or Permission.MEMBERS_INVITE not in self.seat.permissions:
            return []
        found = self._link_to("Invite a replacement device", "invitation_new")
        return [Act(act.label, f"{act.address}?purpose=device&member={person.id}") for act in found]

    def _link_to(self, label: str, name: str, *args: UUID) -> list[Act]:
        try:
            return [Act(label, self.link(name, *args))]
        except NoReverseMatch:
            return []


def _passes(check: Callable[..., None], *arguments: Any) -> bool:
    try:
        check(*arguments)
    except Problem:
        return False
    return True
