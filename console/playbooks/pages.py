"""The list of playbooks, and the records of those that were carried out."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from audit.console.facts import named
from audit.selectors.reading import reader_of
from audit.sentences import moment_of
from console.events.playbooks import InvestigationOpened
from console.playbooks.catalogue import INCIDENT_ROOM, INVESTIGATION, PLAYBOOKS
from console.playbooks.records import PlaybookRecord, search_records, view_record
from semafore.kernel.http.console import ConsoleView, page_exists
from semafore.kernel.permissions import Permission

TELLING = ("invitation.issued", "room.member_added")
"""The events of an incident room by which somebody is told: by SMS, or by their device."""

FURTHER = (
    ("Reports", "reports"),
    ("Export what is held on it", "export_new"),
    ("Existence proofs", "proofs"),
)
"""Where an investigation goes on."""


class PlaybooksView(ConsoleView):
    """When to use which, and who may."""

    requires = Permission.PEOPLE_READ
    title = "Playbooks"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them."""
        may = self.seat.permissions
        context = {
            "playbooks": [(one, one.permission in may) for one in PLAYBOOKS],
            "may_read": Permission.AUDIT_READ in may,
        }
        return self.page(request, "console/playbooks/list.html", context)


class RecordsView(ConsoleView):
    """What was carried out, the newest first."""

    requires = Permission.AUDIT_READ
    title = "Records of playbooks"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page that the address names."""
        found = search_records(reader=reader_of(self.seat), cursor=request.GET.get("cursor"))
        return self.page(request, "console/playbooks/records.html", {"page": found})


class RecordView(ConsoleView):
    """What one act left in the log, to be printed."""

    requires = Permission.AUDIT_READ

    def get(self, request: HttpRequest, event_id: UUID) -> HttpResponse:
        """The record. Raises NotFound, also for what the person may not read."""
        record = view_record(event_id=event_id, reader=reader_of(self.seat))
        run, what = record.run, record.what
        data: dict[str, Any] = what["data"]
        examines = what["type"] == InvestigationOpened.type.name
        title = INVESTIGATION.title if examines else data["playbook"]
        context = {
            "title": f"Record: {title}",
            "record": record,
            "data": data,
            "at": moment_of(what["time"]),
            "told": _told(record) if title == INCIDENT_ROOM.title else [],
            "further": self._further(record) if examines else [],
            **{role: named(run.who, role) for role in ("actor", "target", "subject", "room")},
        }
        return self.page(request, "console/playbooks/record.html", context)

    def _further(self, record: PlaybookRecord) -> list[tuple[str, str]]:
        """Pages of the case: ids alone stand in their addresses, never the reason."""
        query = f"?investigation={record.run.id}"
        for role, name in (("subject", "person"), ("room", "room")):
            one = named(record.run.who, role)
            if one is not None:
                query += f"&{name}={one.id}"
        return [
            (label, f"{self.link(name)}{query}") for label, name in FURTHER if page_exists(name)
        ]


def _told(record: PlaybookRecord) -> list[tuple[str, str]]:
    """By name, and how."""
    told = []
    for step in record.steps:
        one = named(step.who, "target")
        if one is None or step.what is None or step.what["type"] not in TELLING:
            continue
        by_sms = step.what["type"] == TELLING[0]
        told.append((one.label, "invited by SMS" if by_sms else "told by their devices"))
    return told
