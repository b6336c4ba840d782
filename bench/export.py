"""Exports of a log of a million events: events a second in each format, and the worker's memory."""

import argparse
import base64
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import psutil

from bench.deployment import deployment
from bench.report import Bar, show
from bench.sequence import COPY

EVENTS = 1_000_000
JSON_LINES_BAR = 40_000
GROWTH_BAR_MB = 96
"""Two objects and a batch at a time, whatever the log's length."""
KEY = base64.b64encode(bytes(32)).decode()
BATCH = 50_000


def main() -> int:
    """Measures and prints; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.export", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help=f"in the log ({EVENTS})")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        deployment(CHECKPOINT_KEYS=KEY, EXPORT_STORAGE=folder) as made,
    ):
        from bench import data

        organisation_id = data.organisation()
        _fill(organisation_id, given.events)
        made.settle()
        measured = dict(_measure(organisation_id, Path(folder)))
    figures: dict[str, Any] = {"events": given.events}
    for name, (rate, before, after, highest) in measured.items():
        figures |= {
            f"{name}_events_a_second": rate,
            f"{name}_resident_before_MB": before,
            f"{name}_resident_after_MB": after,
            f"{name}_resident_highest_MB": highest,
        }
    grown = max(highest - before for _, before, _, highest in measured.values())
    bars = [
        Bar("JSON Lines, events a second", measured["json_lines"][0], JSON_LINES_BAR, places=0),
        Bar("growth of memory", grown, GROWTH_BAR_MB, most=True, unit=" MB", places=0),
    ]
    return show("export", figures, bars, as_json=given.json)


def _fill(organisation_id: UUID, number: int) -> None:
    """So many messages' events with their places, under a checkpoint: copies of one."""
    from django.db import connection, transaction

    from audit.logs import log_of
    from audit.selectors.tree import tree_head
    from audit.services.checkpoints import publish_checkpoint, sign_head
    from audit.services.recording import Ref, record
    from audit.services.sequencer import sequence
    from messaging.events.messages import MessageAccepted
    from semafore.kernel.actor import SYSTEM, acting_as
    from semafore.kernel.ids import uuid7
    from semafore.kernel.tenancy import organisation_scope

    log = log_of(organisation_id)
    for first in range(0, number, BATCH):
        with acting_as(SYSTEM), organisation_scope(organisation_id), transaction.atomic():
            message = MessageAccepted(
                message_id=uuid7(),
                content_root=bytes(32),
                envelopes=50,
                skipped=0,
                total_bytes=30_000,
                commitment=bytes(32),
            )
            room = Ref("room", uuid7(), "Incident room")
            record(message, room=room, recipients_root=bytes(32))
        with connection.cursor() as cursor:
            number_of_copies = min(BATCH, number - first) - 1
            cursor.execute(COPY, {"number": number_of_copies, "organisation": organisation_id})
        while sequence(log):
            pass
    publish_checkpoint(log, sign_head(log, tree_head(log)))


class Watched:
    """The memory of this process, which is the worker, looked at all the time."""

    def __enter__(self) -> Self:
        self.before = self.highest = resident()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()
        self.after = resident()

    def _look(self) -> None:
        while not self._over.wait(0.05):
            self.highest = max(self.highest, resident())


def _measure(
    organisation_id: UUID, folder: Path
) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    """Of each format: events a second, and megabytes resident before, after and at most."""
    from audit.models import Export, ExportFormat
    from audit.selectors.events import EventFilter
    from audit.selectors.reading import Reader
    from audit.services.exports.requests import request_export
    from audit.services.exports.work import write_exports
    from orgs.models import MembershipKind, Role
    from orgs.roles import permissions_of
    from semafore.kernel.actor import SYSTEM, acting_as
    from semafore.kernel.tenancy import organisation_scope

    reader = Reader(permissions_of(MembershipKind.MEMBER, Role.AUDITOR))
    for chosen in (ExportFormat.JSON_LINES, ExportFormat.CSV, ExportFormat.BUNDLE):
        with acting_as(SYSTEM), organisation_scope(organisation_id):
            made = request_export(
                format=chosen,
                chosen=EventFilter(),
                reader=reader,
                reason="bench.export",
                case_reference="",
            )
            began = time.perf_counter()
            with Watched() as memory:
                write_exports()
            took = time.perf_counter() - began
            found = Export.objects.get(id=made.id)
        assert found.status == "done", found.failure
        assert found.done == found.stated
        assert sum(one.stat().st_size for one in folder.iterdir()) >= (found.bytes or 0)
        yield chosen.value, (found.done / took, memory.before, memory.after, memory.highest)


def resident() -> float:
    """Megabytes of memory of this process, which is the worker."""
    return psutil.Process().memory_info().rss / 1e6


if __name__ == "__main__":
    sys.exit(main())
