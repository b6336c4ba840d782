"""Destinations of every sort: one that does well, one behind, and each kind of trouble."""

from datetime import timedelta
from typing import Any

from audit.models import DestinationState, SiemDestination
from audit.registry import EventClass, Severity
from audit.selectors.siem import log_size
from audit.services.siem.destinations import Setup, create_destination
from audit.services.siem.running import pause_destination
from audit.siem.formats import Format
from semafore.kernel import clock
from semafore.kernel.clock import rfc3339
from tests.browser.scene import Scene

HOUR = timedelta(hours=1)


def add_siem(scene: Scene) -> None:
    """Set up as an owner does; how they do, as senders would have left them."""
    now = clock.now()
    with scene.by("alice"):
        end = log_size()
    fine = {"last_success_at": now, "canary_at": now - HOUR / 3, "sent_events": 48_213}
    _add(
        scene,
        "splunk",
        "Security operations: Splunk",
        Format.SPLUNK_HEC,
        "https://splunk.northgate.example:8088/services/collector/event",
        cursor=end,
        answers=[_answer(minutes, "HTTP 200", 12) for minutes in (1, 3, 9)],
        **fine,
    )
    _add(
        scene,
        "failing",
        "Sentinel of the region",
        Format.OCSF,
        "https://ingest.region.example/northgate/audit?api-version=2026-10-01",
        cursor=max(end - 30, 0),
        failures=9,
        failed_attempts=9,
        failing_since=now - 5 * HOUR,
        told_at=now - 5 * HOUR,
        next_attempt_at=now + HOUR / 5,
        reason="HTTP 503",
        answers=[_answer(minutes, "HTTP 503", 0, "upstream connect error") for minutes in (3, 17)],
        warned_at=now,
        **fine,
    )
    _add(
        scene,
        "parked",
        "Archive of the trust",
        Format.CEF,
        "siem.northgate.example:6514",
        cursor=max(end - 12, 0),
        state=DestinationState.PARKED,
        reason="HTTP 413",
        failing_since=now - HOUR,
    )
    _add(
        scene,
        "misconfigured",
        "Old collector",
        Format.SPLUNK_HEC,
        "https://old.northgate.example/services/collector/event",
        cursor=end,
        state=DestinationState.MISCONFIGURED,
        reason="The token is not valid (HTTP 403, code 4)",
        failing_since=now - HOUR,
    )
    _add(scene, "paused", "Test bench", Format.SYSLOG, "bench.example:6514", cursor=end)
    with scene.by("alice"):
        pause_destination(destination_id=scene.destinations["paused"].id, reason="Rebuilt.")


def _answer(minutes: int, words: str, events: int, said: str = "") -> dict[str, Any]:
    at = rfc3339(clock.now() - timedelta(minutes=minutes))
    return {"at": at, "words": words, "said": said, "events": events}


def _add(
    scene: Scene,
    key: str,
    name: str,
    format_: Format,
    address: str,
    *,
    cursor: int,
    **found: Any,
) -> None:
    header = "Authorization" if format_ is Format.OCSF else ""
    secret = "made-up-token" if format_ in {Format.OCSF, Format.SPLUNK_HEC} else ""
    with scene.by("alice"):
        row = create_destination(
            setup=Setup(
                name=name,
                format=format_,
                address=address,
                header=header,
                classes=frozenset(EventClass),
                least_severity=Severity.INFORMATIONAL,
            ),
            secret=secret,
            cursor=cursor,
        )
        SiemDestination.objects.filter(id=row.id).update(**{"pace": 240.0, **found})
    scene.destinations[key] = row
