"""An export in words and numbers: what its page shows and its manifest holds."""

from collections.abc import Mapping, Sequence
from typing import Any

from audit.models import Export, ExportPart
from audit.selectors.checkpoints import SignedHead
from audit.sentences import FILTERS, OUTCOMES, in_words, type_in_words

FORMAT = "semafore/export/v1"

EXTENSIONS = {
    "csv": ("csv", "text/csv; charset=utf-8"),
    "json_lines": ("jsonl", "application/jsonl"),
    "evidence_bundle": ("zip", "application/zip"),
    "subject_access": ("zip", "application/zip"),
}


def file_name(found: Export) -> str:
    """What a browser saves it as: says nothing of whom it is about."""
    return f"{found.format.replace('_', '-')}-{found.id}.{EXTENSIONS[found.format][0]}"


def media_type(found: Export) -> str:
    """Of its file."""
    return EXTENSIONS[found.format][1]


def filter_in_words(found: Export) -> list[tuple[str, str]]:
    """What was asked for: label and value."""
    return [(FILTERS[name], _value(found, name, value)) for name, value in found.chosen.items()]


def _value(found: Export, name: str, value: str) -> str:
    if name == "action":
        return type_in_words(value)
    if name == "outcome":
        return OUTCOMES.get(value, value)
    label = ""
    if name == "room":
        label = found.room_label
    elif found.people and name in {"actor", "target", "about"}:
        label = found.person_label
    return f"{label} ({value})" if label else in_words(value)


def manifest(
    found: Export,
    parts: Sequence[ExportPart],
    *,
    organisation: str,
    log_id: str,
    checkpoint: SignedHead | None,
) -> Mapping[str, Any]:
    """Of a finished export (docs/exports.md, Manifest)."""
    return {
        "format": FORMAT,
        "export": found.id,
        "organisation": {"name": organisation, "log_id": log_id},
        "file": {
            "name": file_name(found),
            "format": found.format,
            "bytes": found.bytes,
            "sha256": found.digest,
            "parts": [{"bytes": part.bytes, "sha256": bytes(part.sha256).hex()} for part in parts],
        },
        "events": {"stated": found.stated, "written": found.done, "lost": found.lost},
        "filter": found.chosen,
        "filter_in_words": [f"{label}: {value}" for label, value in filter_in_words(found)],
        "log": {
            "size": found.size,
            "checkpoint": checkpoint.note if checkpoint else None,
        },
        "requested_by": found.requested_by,
        "requested_at": found.requested_at,
        "reason": found.reason,
        "case_reference": found.case_reference,
        "finished_at": found.finished_at,
        "expires_at": found.expires_at,
    }
