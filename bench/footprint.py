"""What one message costs: bytes in each table and index, write-ahead log, processor time.

Of a message to fifty devices and of one to a single device, with what follows from each: the place
of its event in the log, its deliveries. docs/scaling.md draws on it.
"""

import argparse
import base64
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bench import load
from bench.deployment import DIRECTORY, Deployment, cpu_of, deployment
from bench.report import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.data import BenchDevice

MESSAGES = {50: 1500, 1: 6000}
"""Messages that are sent, by devices that each goes to."""
SENDERS = 4
KEY = base64.b64encode(bytes(32)).decode()

SIZES = """
SELECT relation.relname, pg_relation_size(relation.oid)
    + coalesce(pg_relation_size(nullif(relation.reltoastrelid, 0)), 0)
FROM pg_class AS relation
JOIN pg_namespace AS namespace ON namespace.oid = relation.relnamespace
WHERE namespace.nspname = 'public' AND relation.relkind IN ('r', 'i')
"""


def main() -> int:
    """Measures and prints; there is no bar."""
    parser = argparse.ArgumentParser(prog="python -m bench.footprint", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    given = parser.parse_args()
    figures: dict[str, Any] = {}
    with (
        deployment(MESSAGES_PER_DEVICE_PER_MINUTE="1000000", CHECKPOINT_KEYS=KEY) as made,
        tempfile.TemporaryDirectory() as folder,
    ):
        from bench import data

        organisation_id = data.organisation()
        for recipients, number in MESSAGES.items():
            figures |= {
                f"to_{recipients}_{name}": value
                for name, value in _of_size(
                    made, organisation_id, recipients, number, Path(folder)
                ).items()
            }
    return show("footprint", figures, [], as_json=given.json)


def _of_size(
    made: Deployment, organisation_id: UUID, recipients: int, number: int, folder: Path
) -> dict[str, Any]:
    from bench import data, rooms

    people = data.devices(organisation_id, recipients + 1, one_time_pre_keys=0)
    room_id = rooms.room(organisation_id, people)
    path = f"rooms/{room_id}/messages"
    senders = people[: min(SENDERS, len(people))]
    with made.web() as web:
        data.sign_in(made.base_url, senders)
        lanes = [
            [
                load.request("POST", path, one.token, rooms.message(one, people))
                for _ in range(number // len(senders))
            ]
            for one in senders
        ]
        made.settle()
        before, wal = _sizes(made), _wal(made)
        spent = cpu_of(web), cpu_of(made.database())
        result = load.start(DIRECTORY / "plan", made.port, lanes, seconds=600, repeat=False)
        sent = result.sent
        figures: dict[str, Any] = {
            "messages": sent,
            "web_cpu_ms": round(1000 * (cpu_of(web) - spent[0]) / sent, 2),
            "postgresql_cpu_ms": round(1000 * (cpu_of(made.database()) - spent[1]) / sent, 2),
            "wal_bytes": round((_wal(made) - wal) / sent),
        }
    wal, began = _wal(made), time.process_time()
    _give_places(folder)
    figures["log_cpu_ms"] = round(1000 * (time.process_time() - began) / sent, 3)
    figures["log_wal_bytes"] = round((_wal(made) - wal) / sent)
    wal = _wal(made)
    _acknowledge(organisation_id, people)
    figures["acknowledging_wal_bytes"] = round((_wal(made) - wal) / sent)
    grown = {
        name: (size - before.get(name, 0)) / sent
        for name, size in _sizes(made).items()
        if size - before.get(name, 0) >= sent
    }
    figures["bytes"] = round(sum(grown.values()))
    for name, size in sorted(grown.items(), key=lambda one: -one[1]):
        figures[f"bytes_{name}"] = round(size)
    return figures


def _sizes(made: Deployment) -> dict[str, int]:
    with made.administrator() as connection:
        return {str(name): int(str(size)) for name, size in connection.execute(SIZES).fetchall()}


def _wal(made: Deployment) -> int:
    with made.administrator() as connection:
        row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    return int(str(row[0])) if row else 0


def _acknowledge(organisation_id: UUID, people: "Sequence[BenchDevice]") -> None:
    """Every device takes what waits, and has it."""
    from messaging.services.mailbox import acknowledge, fetch
    from semafore.kernel.actor import Actor, ActorKind, acting_as
    from semafore.kernel.tenancy import organisation_scope

    for one in people:
        actor = Actor(kind=ActorKind.DEVICE, id=one.id, membership_id=one.membership_id)
        with organisation_scope(organisation_id), acting_as(actor):
            while waiting := fetch(device_id=one.id, limit=256).envelopes:
                acknowledge(device=actor, envelope_ids=[each.envelope_id for each in waiting])


def _give_places(folder: Path) -> None:
    """What the log process does, in this one."""
    from audit.log_process import LogProcess
    from audit.state import SignerState

    with SignerState(folder) as state:
        if not LogProcess(state).drain():
            raise RuntimeError("a log was refused: what it costs was not measured")


if __name__ == "__main__":
    sys.exit(main())
