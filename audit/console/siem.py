"""Pages of the systems that events are sent to: which there are, how they do, a new one."""

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from audit.forms.siem import FORMATS, ChangeForm, NewForm, initial_of
from audit.registry import Severity
from audit.selectors.reading import reader_of
from audit.selectors.siem import destination, destinations, healths, log_size, parked_event
from audit.sentences import CLASSES
from audit.services.siem.destinations import change_destination, create_destination
from audit.services.siem.testing import Tested, send_test
from audit.siem.formats import Format
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.permissions import Permission


class DestinationsView(ConsoleView):
    """Which there are, and how each does."""

    requires = Permission.SIEM_READ
    title = "SIEM"

    def get(self, request: HttpRequest) -> HttpResponse:
        """By name."""
        context = {
            "destinations": [
                (row, FORMATS[Format(row.format)], health)
                for row, health in healths(destinations().order_by("name"))
            ],
            "may_change": Permission.SIEM_MANAGE in self.seat.permissions,
        }
        return self.page(request, "console/siem/list.html", context)


class DestinationView(ConsoleView):
    """One of them: state, lag, backlog, the last answers."""

    requires = Permission.SIEM_READ

    def get(self, request: HttpRequest, destination_id: UUID) -> HttpResponse:
        """Show it. Raises NotFound."""
        row = destination(destination_id)
        ((_, health),) = healths([row])
        context = {
            "title": row.name,
            "destination": row,
            "health": health,
            "parked_event": parked_event(row, reader_of(self.seat)),
            "answers": [
                {**answer, "at": datetime.fromisoformat(answer["at"])} for answer in row.answers
            ],
            "size": log_size(),
            "format": FORMATS[Format(row.format)],
            "classes": [words for one, words in CLASSES.items() if one in row.classes],
            "severity": Severity(row.least_severity).name.capitalize(),
            "may_change": Permission.SIEM_MANAGE in self.seat.permissions,
        }
        return self.page(request, "console/siem/destination.html", context)


class DestinationNewView(ConsoleView):
    """Set one up."""

    requires = Permission.SIEM_MANAGE
    sensitive = True
    title = "New SIEM destination"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask."""
        return self._ask(request, NewForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Set it up, and go to it."""
        form = NewForm(request.POST)
        if form.is_valid():
            with self.refusals(form):
                row = create_destination(
                    setup=form.setup(), secret=form.cleaned_data["secret"], cursor=form.cursor
                )
                messages.success(request, f"{row.name} is set up. Send it a test.")
                return HttpResponseRedirect(self.link("siem_destination", row.id))
        return self._ask(request, form, status=422)

    def _ask(self, request: HttpRequest, form: NewForm, status: int = 200) -> HttpResponse:
        context = {"form": form, "submit": "Set it up", "cancel": self.link("siem")}
        return self.page(request, "console/siem/form.html", context, status=status)


class DestinationChangeView(ConsoleView):
    """Change what is sent, or where; or its secret."""

    requires = Permission.SIEM_MANAGE
    sensitive = True

    def get(self, request: HttpRequest, destination_id: UUID) -> HttpResponse:
        """Ask. Raises NotFound."""
        row = destination(destination_id)
        return self._ask(request, destination_id, ChangeForm(initial=initial_of(row)))

    def post(self, request: HttpRequest, destination_id: UUID) -> HttpResponse:
        """Change it. Raises NotFound."""
        row = destination(destination_id)
        form = ChangeForm(request.POST, initial=initial_of(row))
        if form.is_valid():
            with self.refusals(form):
                change_destination(
                    destination_id=destination_id,
                    setup=form.setup(),
                    secret=form.cleaned_data["secret"] or None,
                )
                messages.success(request, "The destination is changed. Send it a test.")
                return HttpResponseRedirect(self.link("siem_destination", destination_id))
        return self._ask(request, destination_id, form, status=422)

    def _ask(
        self, request: HttpRequest, destination_id: UUID, form: ChangeForm, status: int = 200
    ) -> HttpResponse:
        context = {
            "title": f"Change {destination(destination_id).name}",
            "form": form,
            "submit": "Change it",
            "cancel": self.link("siem_destination", destination_id),
        }
        return self.page(request, "console/siem/form.html", context, status=status)


class DestinationTestView(ConsoleView):
    """Send one event now, and show what came back."""

    requires = Permission.SIEM_MANAGE
    sensitive = True

    def get(self, request: HttpRequest, destination_id: UUID) -> HttpResponse:
        """Say what will happen. Raises NotFound."""
        return self._show(request, destination_id)

    def post(self, request: HttpRequest, destination_id: UUID) -> HttpResponse:
        """Send it. Raises NotFound, SiemNothingToSend."""
        tested = send_test(destination_id=destination_id, reader=reader_of(self.seat))
        return self._show(request, destination_id, tested)

    def _show(
        self, request: HttpRequest, destination_id: UUID, tested: Tested | None = None
    ) -> HttpResponse:
        row = destination(destination_id)
        context = {"title": f"Test {row.name}", "destination": row, "tested": tested}
        return self.page(request, "console/siem/test.html", context)
