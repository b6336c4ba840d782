"""The explorer on a log of a million events: each filter, in the server, as owner and as admin."""

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psutil

from bench.deployment import deployment
from bench.report import Bar, show

if TYPE_CHECKING:
    from audit.selectors.events import EventFilter
    from audit.selectors.reading import Reader
    from bench.busy_log import BusyLog

EVENTS = 1_000_000
ROUNDS = 3
LONGEST_MS = 100


def main() -> int:
    """Measures and prints; 1 when the bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.explorer", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help=f"in the log ({EVENTS})")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    given = parser.parse_args()
    with deployment() as made:
        from bench import busy_log, data

        began = time.perf_counter()
        log = busy_log.fill(data.organisation(), events=given.events)
        busy_log.fill(data.organisation(), events=given.events // 20)
        filled = time.perf_counter() - began
        made.settle()
        return measure(log, {"seconds_to_fill": filled}, as_json=given.json)


def measure(log: "BusyLog", figures: Mapping[str, Any], *, as_json: bool) -> int:
    """Asks by every filter, at the new end of the log, in its middle and at its beginning."""
    memory = psutil.Process().memory_info().rss
    pages = {
        f"{name}, {who}": _times(log, reader, chosen, _page, (1.0, 0.5, 0.01))
        for who, reader in _readers().items()
        for name, chosen in _filters(log).items()
    }
    counted = {
        f"{name}, {who}": _times(log, reader, chosen, _count, (1.0,))
        for who, reader in _readers().items()
        for name, chosen in _filters(log).items()
    }
    grown = psutil.Process().memory_info().rss - memory
    shown = {f"page_by_{name}_p50_p95_max_ms": _summary(times) for name, times in pages.items()}
    all_pages = sorted(one for times in pages.values() for one in times)
    all_counts = sorted(one for times in counted.values() for one in times)
    slowest = max(pages, key=lambda name: statistics.median(pages[name]))
    slowest_count = max(counted, key=lambda name: statistics.median(counted[name]))
    bars = [
        Bar("slowest filter's median page", statistics.median(pages[slowest]), LONGEST_MS,
            most=True, unit=f" ms ({slowest})", places=1),
        Bar("slowest filter's median count", statistics.median(counted[slowest_count]), LONGEST_MS,
            most=True, unit=f" ms ({slowest_count})", places=1),
    ]  # fmt: skip
    figures = {
        "events": log.events,
        **figures,
        **shown,
        "all_pages_p50_p95_max_ms": _summary(all_pages),
        "all_counts_p50_p95_max_ms": _summary(all_counts),
        "memory_grown_mib": grown / 2**20,
    }
    return show("explorer", figures, bars, as_json=as_json)


def _readers() -> dict[str, "Reader"]:
    from audit.selectors.reading import Reader
    from orgs.models import MembershipKind, Role
    from orgs.roles import permissions_of

    return {
        role.value: Reader(permissions_of(MembershipKind.MEMBER, role), uuid4())
        for role in (Role.OWNER, Role.ADMIN)
    }


def _filters(log: "BusyLog") -> dict[str, "EventFilter"]:
    """Rare, common and none of each, and pairs; of some nothing is left for an admin."""
    from audit.selectors.events import EventFilter
    from bench import busy_log

    busy, usual, rare = log.people[0], log.people[200], log.people[-1]
    every = {
        "nothing": EventFilter(),
        "actor, a tenth of all": EventFilter(actor=busy),
        "actor": EventFilter(actor=usual),
        "actor, nobody": EventFilter(actor=uuid4()),
        "device, a tenth of all": EventFilter(actor=log.devices[0]),
        "device": EventFilter(actor=log.devices[200]),
        "action, most of all": EventFilter(action="message.accepted"),
        "action, few": EventFilter(action="member.suspended"),
        "action, one": EventFilter(action="member.role_changed"),
        "action, none": EventFilter(action="log.halted"),
        "target": EventFilter(target=log.devices[7]),
        "target, nothing": EventFilter(target=uuid4()),
        "room, most of all": EventFilter(room=log.rooms[0]),
        "room": EventFilter(room=log.rooms[-1]),
        "outcome denied": EventFilter(outcome="denied"),
        "outcome success": EventFilter(outcome="success"),
        "address, half of all": EventFilter(address=busy_log.OFFICE),
        "address": EventFilter(address="198.51.0.7"),
        "address, one": EventFilter(address=busy_log.ONCE),
        "message": EventFilter(message=log.messages[0]),
        "about, a tenth of all": EventFilter(about=busy),
        "about": EventFilter(about=usual),
        "about a room": EventFilter(about=log.rooms[0]),
        "about, nothing": EventFilter(about=uuid4()),
        "time": EventFilter(from_at=log.at(0.3), to_at=log.at(0.4)),
        "time, a minute": EventFilter(
            from_at=log.at(0.5), to_at=log.at(0.5) + timedelta(minutes=1)
        ),
        "time, before all": EventFilter(from_at=log.at(-2), to_at=log.at(-1)),
    }
    within: dict[str, Any] = {"from_at": log.at(0.4), "to_at": log.at(0.41)}
    pairs = {
        "actor+action": replace(every["actor, a tenth of all"], action="message.accepted"),
        "actor+action, one": replace(every["actor, a tenth of all"], action="member.role_changed"),
        "actor+action, none": replace(every["actor, a tenth of all"], action="audit.searched"),
        "room+action": replace(every["room, most of all"], action="room.member_added"),
        "actor+time": replace(every["actor, a tenth of all"], **within),
        "action+time": replace(every["action, most of all"], **within),
        "action+time, none": replace(every["action, one"], **within),
        "actor+room": EventFilter(actor=busy, room=log.rooms[0]),
        "actor+room, rare": EventFilter(actor=rare, room=log.rooms[-1]),
        "actor+address": EventFilter(actor=busy, address="198.51.0.7"),
        "actor+outcome": EventFilter(actor=busy, outcome="denied"),
        "actor+about a room": EventFilter(actor=busy, about=log.rooms[0]),
    }
    return every | pairs


def _times(
    log: "BusyLog",
    reader: "Reader",
    chosen: "EventFilter",
    act: Callable[["BusyLog", "Reader", "EventFilter", float], None],
    parts: Sequence[float],
) -> list[float]:
    """Milliseconds, once it has been asked before."""
    from semafore.kernel.tenancy import organisation_scope

    times = []
    with organisation_scope(log.organisation_id):
        for turn in range(-1, ROUNDS):
            for part in parts:
                began = time.perf_counter()
                act(log, reader, chosen, part)
                if turn >= 0:
                    times.append(1000 * (time.perf_counter() - began))
    return sorted(times)


def _page(log: "BusyLog", reader: "Reader", chosen: "EventFilter", part: float) -> None:
    """Fifty events before a place, with what they say, as `search_events` finds them."""
    from audit.selectors.events import lines
    from audit.selectors.pages import previous_events
    from semafore.kernel.paging import PAGE_SIZE

    before = round(part * log.events)
    lines(previous_events(reader, chosen, before=before, limit=PAGE_SIZE + 1)[:PAGE_SIZE])


def _count(log: "BusyLog", reader: "Reader", chosen: "EventFilter", part: float) -> None:
    """By action: of the newest, wherever they are."""
    from audit.selectors.counts import counts

    del log, part
    counts(reader, chosen, by="action")


def _summary(times: list[float]) -> str:
    p95 = times[math.ceil(0.95 * len(times)) - 1]
    return f"{statistics.median(times):.1f} {p95:.1f} {times[-1]:.1f}"


if __name__ == "__main__":
    sys.exit(main())
