"""Reports that the owner of the organisation that is looked at has just asked for."""

from datetime import timedelta
from typing import Any

from audit.selectors.reading import Reader
from orgs.models import Role
from orgs.roles import ROLE_PERMISSIONS
from reports.questions import Kind, Question
from reports.services.asking import request_report
from semafore.kernel import clock
from tests.browser.scene import Scene


def add_reports(scene: Scene) -> None:
    """Of each kind one, and a graph of nobody."""
    people, rooms = scene.people, scene.rooms
    now = clock.now()
    month: dict[str, Any] = {"from_at": now - timedelta(days=30), "to_at": now}
    questions = {
        "graph": Question(kind=Kind.GRAPH, person=people["bob"].id, **month),
        "party": Question(kind=Kind.GRAPH, party=people["guest"].party_id, **month),
        "silent": Question(kind=Kind.GRAPH, person=people["eilidh"].id, **month),
        "timing": Question(kind=Kind.TIMING, time_zone="Europe/London", **month),
        "membership": Question(kind=Kind.MEMBERSHIP, room=rooms["recall"].id, at=now, **month),
    }
    reader = Reader(ROLE_PERMISSIONS[Role.OWNER], scene.alice.id)
    with scene.by("alice"):
        scene.reports = {
            key: request_report(
                question=question,
                reason="A complaint about the recall of the scanners.",
                case_reference="IG-2026-041",
                reader=reader,
            )
            for key, question in questions.items()
        }
