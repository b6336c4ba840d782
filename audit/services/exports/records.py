"""Events of an export, which its subject doesn't see."""

from uuid import UUID

from audit.models import Export, ExportFormat
from audit.registry import What
from audit.services.recording import Ref, record


def record_of(found: Export, what: What) -> None:
    """Record an event of an export, with the person and the room that it is about."""
    room = found.chosen.get("room") or found.chosen.get("about") or found.chosen.get("target")
    record(
        what,
        target=Ref("export", found.id, ExportFormat(found.format).label),
        subject=Ref("member", UUID(found.people[0]), found.person_label) if found.people else None,
        room=Ref("room", UUID(room), found.room_label) if room and found.room_label else None,
    )
