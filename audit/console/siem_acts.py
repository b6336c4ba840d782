"""Pages for one act on a destination: pause, resume, replay, skip an event, delete."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from audit import errors
from audit.forms.siem import ConfirmForm, ReasonForm, ReplayForm, SkipForm
from audit.models import DestinationState, SiemDestination
from audit.selectors.siem import destination, log_size
from audit.services.siem import running
from audit.services.siem.destinations import delete_destination
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.http.decisions import DecisionView
from semafore.kernel.permissions import Permission


class DestinationDecision(DecisionView):
    """A decision about one destination."""

    requires = Permission.SIEM_MANAGE
    form_class: ClassVar[type[Form]] = ReasonForm

    def subject(self, **ids: UUID) -> SiemDestination:
        """The destination. Raises NotFound."""
        return destination(ids["destination_id"])

    def elsewhere(self, subject: SiemDestination) -> str:
        """Its page."""
        return self.link("siem_destination", subject.id)


class PauseView(DestinationDecision):
    """Send nothing for a while."""

    title = "Pause {0.name}"
    submit = "Pause"

    def consequences(self, subject: SiemDestination) -> list[str]:
        """What waits."""
        return [
            f"Nothing is sent to {subject.name} until an owner resumes it, canaries neither.",
            "Its place is kept: what happens meanwhile is sent then, in order.",
            "What retention deletes meanwhile can't be sent any more; you are warned before.",
        ]

    def act(self, subject: SiemDestination, data: dict[str, Any]) -> str:
        """Raises NotFound, SiemState."""
        running.pause_destination(destination_id=subject.id, reason=data["reason"])
        return f"{subject.name} is paused."


class ResumeView(DestinationDecision):
    """Go on, or try again."""

    title = "Resume {0.name}"
    form_class = ConfirmForm
    submit = "Resume"

    def consequences(self, subject: SiemDestination) -> list[str]:
        """What comes."""
        return [f"It is sent what there is from place {subject.cursor} on, at once."]

    def act(self, subject: SiemDestination, data: dict[str, Any]) -> str:
        """Raises NotFound, SiemState."""
        del data
        running.resume_destination(destination_id=subject.id)
        return f"{subject.name} is active."


class SkipView(DestinationDecision):
    """Go on without the event that it doesn't take."""

    title = "Skip an event for {0.name}"
    form_class = SkipForm
    submit = "Skip this event"
    danger = True

    def subject(self, **ids: UUID) -> SiemDestination:
        """A destination that is parked. Raises NotFound, SiemState."""
        found = super().subject(**ids)
        if found.state != DestinationState.PARKED:
            raise errors.SiemState(detail="It isn't parked on an event.")
        return found

    def consequences(self, subject: SiemDestination) -> list[str]:
        """What it never gets."""
        return [
            (
                f"{subject.name} never gets the event at place {subject.cursor}, which it refuses "
                f"({subject.reason}). The event stays in the log."
            ),
            "What comes after it is sent at once. This skips one event and no other.",
        ]

    def initial(self, subject: SiemDestination) -> dict[str, Any]:
        """The place that the person decides about: meanwhile it may be parked on another."""
        return {"seq": subject.cursor}

    def act(self, subject: SiemDestination, data: dict[str, Any]) -> str:
        """Raises NotFound, SiemState."""
        running.skip_event(destination_id=subject.id, seq=data["seq"], reason=data["reason"])
        return f"{subject.name} goes on without the event."


class DeleteView(DestinationDecision):
    """The end of a destination."""

    title = "Delete {0.name}"
    submit = "Delete"
    danger = True

    def consequences(self, subject: SiemDestination) -> list[str]:
        """What is lost."""
        return [
            f"Nothing is sent to {subject.name} any more. What it has stays there.",
            "Its secret and its place are forgotten. A new one can begin at any place of the log.",
        ]

    def act(self, subject: SiemDestination, data: dict[str, Any]) -> str:
        """Raises NotFound."""
        delete_destination(destination_id=subject.id, reason=data["reason"])
        return f"{subject.name} is deleted."

    def afterwards(self, subject: SiemDestination) -> str:
        """The list."""
        del subject
        return self.link("siem")


class ReplayView(ConsoleView):
    """Send again from a place on: first where from, then how much that is."""

    requires = Permission.SIEM_MANAGE
    sensitive = True

    def get(self, request: HttpRequest, destination_id: UUID) -> HttpResponse:
        """Ask where from. Raises NotFound."""
        return self._ask(request, destination(destination_id), ReplayForm(), None)

    def post(self, request: HttpRequest, destination_id: UUID) -> HttpResponse:
        """Say how much, then do it. Raises NotFound."""
        row = destination(destination_id)
        form = ReplayForm(request.POST)
        place = form.chosen() if form.is_valid() else None
        if place is not None and place > row.cursor:
            form.add_error(None, f"It hasn't got what is from place {row.cursor} on yet.")
        elif place is not None and form.cleaned_data["confirmed"] == place:
            with self.refusals(form):
                running.replay(
                    destination_id=row.id, cursor=place, reason=form.cleaned_data["reason"]
                )
                messages.success(request, f"{row.name} is sent what is from place {place} on.")
                return HttpResponseRedirect(self.link("siem_destination", row.id))
        if place is None or form.errors:
            return self._ask(request, row, form, None, status=422)
        shown = request.POST.copy()
        shown["confirmed"] = str(place)
        return self._ask(request, row, ReplayForm(shown), place)

    def _ask(
        self,
        request: HttpRequest,
        row: SiemDestination,
        form: ReplayForm,
        place: int | None,
        status: int = 200,
    ) -> HttpResponse:
        context = {
            "title": f"Replay to {row.name}",
            "destination": row,
            "form": form,
            "place": place,
            "again": row.cursor - place if place is not None else 0,
            "size": log_size(),
        }
        return self.page(request, "console/siem/replay.html", context, status=status)
