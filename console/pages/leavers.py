"""Somebody leaves: what must be handed over, and the record of what was ended."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse

from console.selectors.people import handover, leaver_record
from orgs.models import MembershipStatus
from orgs.selectors.members import member
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.names import called
from semafore.kernel.permissions import Permission


class LeaverView(ConsoleView):
    """Before the end: what hangs on the person."""

    requires = Permission.PEOPLE_READ

    def get(self, request: HttpRequest, membership_id: UUID) -> HttpResponse:
        """The lists. Raises NotFound."""
        person = member(membership_id)
        context = {
            "title": f"{called(person)} leaves",
            "person": person,
            "handover": handover(person.id),
            "ended": person.status == MembershipStatus.ENDED,
            "may_end": Permission.PEOPLE_MANAGE in self.seat.permissions
            and person.id != self.seat.membership_id,
        }
        return self.page(request, "console/members/leaver.html", context)


class LeaverRecordView(ConsoleView):
    """After the end: what was ended, when, by whom, and what is left. To be printed."""

    requires = Permission.PEOPLE_READ

    def get(self, request: HttpRequest, membership_id: UUID) -> HttpResponse:
        """The record. Raises NotFound, also while the membership is open."""
        person = member(membership_id)
        context = {
            "title": f"Record of the departure of {called(person)}",
            "person": person,
            "record": leaver_record(person.id),
        }
        return self.page(request, "console/members/leaver_record.html", context)
