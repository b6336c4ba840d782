"""The audit log: its events, one event with its place and its proof, the proof as a file."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from audit.console.facts import Named, changes, event_named, named, values
from audit.logs import current_log
from audit.notes import signing_keys
from audit.registry import EventClass
from audit.selectors.checkpoints import latest_checkpoint
from audit.selectors.events import (
    DeletionRecord,
    EventFilter,
    Line,
    OneEvent,
    deletion_record,
    readable_types,
    sweeps,
)
from audit.selectors.log_keys import checkpoint_vkeys
from audit.sentences import CLASSES, moment_of
from audit.services.reading import search_events, take_proof, view_event
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.permissions import Permission


class EventFilterForm(forms.Form):
    """Which events; people, devices and rooms come from links of their own pages."""

    type = forms.ChoiceField(label="What happened", required=False)
    actor = forms.UUIDField(required=False, widget=forms.HiddenInput)
    target = forms.UUIDField(required=False, widget=forms.HiddenInput)
    room = forms.UUIDField(required=False, widget=forms.HiddenInput)
    about = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, types: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "Anything"), *((name, _type_in_words(name)) for name in types)]
        self.fields["type"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField

    def chosen(self) -> EventFilter:
        """Of a valid form."""
        typed = self.cleaned_data
        return EventFilter(
            type=typed["type"],
            actor=typed["actor"],
            target=typed["target"],
            room=typed["room"],
            about=typed["about"],
        )


def _type_in_words(name: str) -> str:
    return name.replace(".", ": ").replace("_", " ").capitalize()


class AuditView(ConsoleView):
    """What happened, in the order of the log, the newest first."""

    requires = Permission.AUDIT_READ
    title = "Audit log"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page that the address names. The look at it is an event itself."""
        may = self.seat.permissions
        types = [one.name for one in readable_types(may)]
        form = EventFilterForm(request.GET, types=types)
        context: dict[str, Any] = {"form": form, "lines": []}
        if form.is_valid():
            chosen = form.chosen()
            found = search_events(permissions=may, chosen=chosen, cursor=request.GET.get("cursor"))
            context |= {
                "page": found,
                "lines": [(line, _people(line)) for line in found.lines],
                "filtered": bool(chosen.given()),
                "concerns": _concerns(chosen, found.lines),
            }
            if not found.lines:
                context["swept"] = sweeps().order_by("-seq").first()
        return self.page(request, "console/audit/list.html", context)


def _people(line: Line) -> dict[str, Named | None]:
    return {role: named(line.who, role) for role in ("actor", "target", "room")}


def _concerns(chosen: EventFilter, lines: list[Line]) -> str:
    """The name of whom or what the list is about, as the newest event names it; else the id."""
    for wanted in (chosen.about, chosen.actor, chosen.target, chosen.room):
        if wanted is None:
            continue
        for line in lines:
            for role in ("actor", "target", "subject", "room"):
                one = line.who and line.who[role]
                if one and str(wanted) in {one["id"], one.get("member")}:
                    return str(one["label"])
        return str(wanted)
    return ""


class EventView(ConsoleView):
    """One event: what it says, what retention left of it, where it stands, what proves it."""

    requires = Permission.AUDIT_READ

    def get(self, request: HttpRequest, event_id: UUID) -> HttpResponse:
        """The event. Raises NotFound, for what the person may not read too."""
        found = view_event(event_id=event_id, permissions=self.seat.permissions)
        context = {
            "title": "Event",
            "event": found,
            "class_in_words": CLASSES[EventClass(found.event_class)],
            "changes": changes(found.what) if found.what else [],
            "values": values(found.what) if found.what else [],
            "at": moment_of(found.what["time"]) if found.what else None,
            "other": event_named(found.what),
            **{role: named(found.who, role) for role in ("actor", "target", "subject", "room")},
            "deleted": _deleted(found),
            **_place(found),
        }
        return self.page(request, "console/audit/event.html", context)


def _deleted(found: OneEvent) -> DeletionRecord | None:
    """The record of what retention took last, where it took something."""
    if found.who and found.what:
        return None
    return deletion_record(found, "who" if found.what else "what")


def _place(found: OneEvent) -> dict[str, Any]:
    """Where the event stands, and the newest checkpoint if it covers it."""
    log = current_log()
    checkpoint = latest_checkpoint(log)
    if found.entry is None or checkpoint is None or checkpoint.size <= found.entry.seq:
        return {"checkpoint": None}
    vkeys = checkpoint_vkeys(log)
    return {
        "checkpoint": checkpoint,
        "leaf": bytes(found.entry.leaf).hex(),
        "vkeys": "\n".join(vkeys),
        "keys": signing_keys(checkpoint.note, vkeys),
    }


class ProofView(ConsoleView):
    """The proof of one event as a file (C2SP tlog-proof)."""

    requires = Permission.AUDIT_READ

    def get(self, request: HttpRequest, event_id: UUID) -> HttpResponse:
        """The file; back to the event's page while no checkpoint covers it. Raises NotFound."""
        proof = take_proof(event_id=event_id, permissions=self.seat.permissions)
        if proof is None:
            messages.info(request, "No checkpoint covers the event yet. Try again in a second.")
            return HttpResponseRedirect(self.link("event", event_id))
        return HttpResponse(
            proof.text,
            content_type="text/plain; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="event-{event_id}.tlog-proof"'},
        )
