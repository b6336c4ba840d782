"""Exports in every state, those of whoever looks and those of others."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from audit.models import Export, ExportFormat
from audit.selectors.events import EventFilter
from audit.selectors.reading import Reader
from audit.services.exports.requests import cancel_export, request_export
from audit.services.exports.work import write_exports
from orgs.roles import permissions_of
from semafore.kernel import clock
from tests.browser.scene import LONG_NAME, Scene
from tests.cast import inside


def add_exports(scene: Scene) -> None:
    """Written, cancelled, and what only a bad day brings."""
    wilhelmina, ward = scene.people["wilhelmina"], scene.rooms["ward"]
    whole = _ask(scene, "hana", ExportFormat.BUNDLE, EventFilter())
    scene.exports["done"] = _ask(scene, "alice", ExportFormat.BUNDLE, EventFilter())
    scene.exports["lost"] = _ask(
        scene, "alice", ExportFormat.CSV, EventFilter(room=ward.id, outcome="success")
    )
    with inside(scene.organisation):
        write_exports()
    scene.exports["others"] = whole
    with _changed(scene, "lost") as change:
        change(stated=17, done=12)
    states: dict[str, dict[str, Any]] = {
        "running": {"status": "running", "stated": 48_211, "done": 31_540},
        "failed": {
            "status": "failed",
            "failure": "The storage of exports could not be used (EndpointConnectionError).",
        },
        "expired": {"status": "expired", "done": 96},
    }
    for key, fields in states.items():
        scene.exports[key] = _ask(
            scene, "alice", ExportFormat.JSON_LINES, EventFilter(actor=wilhelmina.id)
        )
        with _changed(scene, key) as change:
            change(**fields)
    scene.exports["cancelled"] = _ask(
        scene,
        "alice",
        ExportFormat.CSV,
        EventFilter(action="message.accepted", from_at=clock.now() - timedelta(days=30)),
    )
    with scene.by("alice"):
        cancel_export(export_id=scene.exports["cancelled"].id, reader=_reader(scene, "alice"))
    scene.exports["waiting"] = _ask(scene, "alice", ExportFormat.CSV, EventFilter())


def _reader(scene: Scene, name: str) -> Reader:
    person = scene.people[name]
    return Reader(permissions_of(person.kind, person.role), person.id)


def _ask(scene: Scene, name: str, as_what: ExportFormat, chosen: EventFilter) -> Export:
    with scene.by(name):
        return request_export(
            format=as_what,
            chosen=chosen,
            reader=_reader(scene, name),
            reason=f"The regulator's question 12 about {LONG_NAME}.",
            case_reference="HC-2026-0117",
        )


@contextmanager
def _changed(scene: Scene, key: str) -> Iterator[Any]:
    with inside(scene.organisation):
        yield Export.objects.filter(id=scene.exports[key].id).update
