"""The list of members, with how many devices each has."""

from django.http import HttpRequest, HttpResponse

from keys.selectors.health import approved_devices
from orgs.forms.members import MemberFilterForm
from orgs.models import Membership
from orgs.selectors.members import members
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.paging import paginate
from semafore.kernel.permissions import Permission


class MembersView(ConsoleView):
    """Everybody who is or was in the organisation, by name."""

    requires = Permission.PEOPLE_READ
    title = "Members"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page that the address names."""
        form = MemberFilterForm(request.GET)
        found = members(**form.cleaned_data) if form.is_valid() else Membership.objects.none()
        page = paginate(found, by=("name", "id"), cursor=request.GET.get("cursor"))
        devices = approved_devices([person.id for person in page.rows])
        context = {
            "form": form,
            "page": page,
            "rows": [(person, devices.get(person.id, 0)) for person in page.rows],
            "filtered": bool(request.GET),
            "may_manage": Permission.PEOPLE_MANAGE in self.seat.permissions,
        }
        return self.page(request, "console/members/list.html", context)
