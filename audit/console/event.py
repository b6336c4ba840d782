"""One event: what it says, its place and its proof, and what stands around it."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from audit.console.facts import Named, changes, event_named, named, values
from audit.forms.filters import ExplorerForm, moment, query
from audit.logs import current_log
from audit.notes import signing_keys
from audit.registry import EventClass
from audit.selectors.checkpoints import latest_checkpoint
from audit.selectors.events import DeletionRecord, EventFilter, Line, OneEvent, deletion_record
from audit.selectors.existence import ACCEPTED
from audit.selectors.log_keys import checkpoint_vkeys
from audit.selectors.reading import reader_of
from audit.selectors.related import NEAR, Related
from audit.sentences import CLASSES, OUTCOMES, moment_of, type_in_words
from audit.services.reading import take_proof, view_surroundings
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.permissions import Permission


class EventView(ConsoleView):
    """One event; the filters of the search that led to it stay in the address."""

    requires = Permission.AUDIT_READ

    def get(self, request: HttpRequest, event_id: UUID) -> HttpResponse:
        """The event. Raises NotFound, for what the person may not read too."""
        reader = reader_of(self.seat)
        form = ExplorerForm(request.GET, reader=reader)
        searched = form.is_valid() and not form.several
        chosen = form.chosen() if searched else EventFilter()
        seen = view_surroundings(event_id=event_id, reader=reader, chosen=chosen)
        found = seen.event
        context = {
            "title": "Event",
            "event": found,
            "query": query(form.parameters()) if searched else "",
            "next": seen.next,
            "class_in_words": CLASSES[EventClass(found.event_class)],
            "changes": changes(found.what) if found.what else [],
            "values": values(found.what) if found.what else [],
            "at": moment_of(found.what["time"]) if found.what else None,
            "outcome": OUTCOMES.get(found.what["outcome"]) if found.what else None,
            "other": event_named(found.what),
            "message_id": _transited(found),
            **{role: named(found.who, role) for role in ("actor", "target", "subject", "room")},
            "raw": _raw(found),
            "deletions": _deletions(found),
            "related": _titled(seen.related),
            "further": _further(found, self.link("audit")),
            **_place(found),
        }
        return self.page(request, "console/audit/event.html", context)


def _raw(found: OneEvent) -> list[tuple[str, str]]:
    """The parts that are left, laid out to be read."""
    parts = {"who": found.who, "what": found.what}
    return [
        (name, json.dumps(part, indent=2, ensure_ascii=False, sort_keys=True))
        for name, part in parts.items()
        if part is not None
    ]


def _deletions(found: OneEvent) -> list[tuple[str, DeletionRecord | None]]:
    """What retention took, and where the log says so: the people first, where they went first."""
    gone = [part for part in ("who", "what") if getattr(found, part) is None]
    records = {part: deletion_record(found, part) for part in gone}
    if len(gone) > 1 and records["who"] == records["what"]:
        return [("This event was", records["what"])]
    words = {"who": "The people in this event were", "what": "What it said was"}
    return [(words[part], records[part]) for part in gone]


def _titled(found: Related) -> list[tuple[str, list[Line]]]:
    groups = (
        ("In the same request", found.request),
        ("By the same actor, within five minutes before and after", found.actor),
        ("To the same target", found.target),
    )
    return [(title, lines) for title, lines in groups if lines]


def _further(found: OneEvent, events: str) -> list[tuple[str, str]]:
    """Searches that begin at this event: in words, and their addresses."""
    who, what = found.who or {}, found.what or {}
    searches: list[tuple[str, dict[str, str]]] = []
    if actor := named(found.who, "actor"):
        if actor.id and what:
            searches.append((f"What {_called(actor)} did", {"actor": actor.id}))
            searches.append(("The same within five minutes", {"actor": actor.id, **_near(what)}))
        if actor.member and actor.member != actor.id:
            searches.append(("What the person behind it did", {"actor": actor.member}))
    for role in ("target", "subject", "room"):
        one = named(found.who, role)
        if one and one.id and {"about": one.id} not in [search for _, search in searches]:
            searches.append((f"What concerns {_called(one)}", {"about": one.id}))
    if who.get("address"):
        searches.append((f"What came from {who['address']}", {"address": who["address"]}))
    if message := what.get("data", {}).get("message_id"):
        searches.append(("What concerns this message", {"message": message}))
    if what:
        same = type_in_words(what["type"])
        searches.append((f"All that is “{same}”", {"action": what["type"]}))
    return [(words, events + query(search)) for words, search in searches]


def _transited(found: OneEvent) -> str:
    """The message that the event says was accepted, which can be proved; else empty."""
    what = found.what
    return what["data"].get("message_id", "") if what and what["type"] in ACCEPTED else ""


def _near(what: Mapping[str, Any]) -> dict[str, str]:
    """The minutes around an event, as filters."""
    at = datetime.fromisoformat(what["time"])
    return {
        "from_at": moment(at - NEAR),
        "to_at": moment(at + NEAR + timedelta(minutes=1)),
    }


def _called(one: Named) -> str:
    return one.label or one.is_a


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
        proof = take_proof(event_id=event_id, reader=reader_of(self.seat))
        if proof is None:
            messages.info(request, "No checkpoint covers the event yet. Try again in a second.")
            return HttpResponseRedirect(self.link("event", event_id))
        return HttpResponse(
            proof.text,
            content_type="text/plain; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="event-{event_id}.tlog-proof"'},
        )
