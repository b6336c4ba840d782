"""The record of a sweep: kept in the transactions that delete, an event of the log in the end."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from uuid import UUID

from audit.events.retention import RetentionSwept
from audit.models import Sweep
from audit.selectors.expired import STEPS, Part, Step
from audit.services.recording import record

NOTHING = bytes(32)
"""What the digest of deleted event ids starts from."""


def count_events(sweep: Sweep, step: Step, gone: Sequence[tuple[int, UUID]]) -> None:
    """Add events, by seq and id in the order of their time, of which a step's parts went."""
    for part in step.parts:
        _count(sweep, _name(step, part), gone)


def count_rows(sweep: Sweep, counts: Mapping[str, int]) -> None:
    """Add other rows, by what they are."""
    for name, count in counts.items():
        if count:
            sweep.rows[name] = sweep.rows.get(name, 0) + count


def end(sweep: Sweep) -> None:
    """Record what the sweep deleted, if anything."""
    if sweep.swept or sweep.rows:
        swept = [
            {
                "class": int(step.event_class),
                "part": part,
                **counted,
                "digest": bytes.fromhex(counted["digest"]),
            }
            for step in STEPS
            for part in step.parts
            if (counted := sweep.swept.get(_name(step, part)))
        ]
        record(
            RetentionSwept(
                version=sweep.version,
                metadata_before=sweep.metadata_before,
                audit_before=sweep.audit_before,
                existence_before=sweep.existence_before,
                swept=swept,
                rows=sweep.rows,
            )
        )
    sweep.delete()


def _count(sweep: Sweep, name: str, gone: Sequence[tuple[int, UUID]]) -> None:
    """Range, count and digest of what went, after what went before."""
    if not gone:
        return
    seqs = [seq for seq, _ in gone]
    before = sweep.swept.get(
        name, {"first": seqs[0], "last": seqs[0], "count": 0, "digest": NOTHING.hex()}
    )
    digest = bytes.fromhex(before["digest"])
    for _, event_id in gone:
        digest = sha256(digest + event_id.bytes).digest()
    sweep.swept[name] = {
        "first": min(before["first"], *seqs),
        "last": max(before["last"], *seqs),
        "count": before["count"] + len(gone),
        "digest": digest.hex(),
    }


def _name(step: Step, part: Part) -> str:
    return f"{int(step.event_class)}.{part}"
