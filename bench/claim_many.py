"""Claims of fifty bundles in one request: one-time pre-keys a second beside pgbench."""

import sys

from bench.deployment import THREADS, WORKERS, deployment, statements_of
from bench.report import Arguments, Bar, arguments, show
from bench.templates import ROOM

LANE = 100


def main() -> int:
    """Measures and prints; 1 when a bar is missed."""
    return measure(arguments("claim_many", __doc__ or "", workers=WORKERS, threads=THREADS))


def measure(given: Arguments) -> int:
    """Each connection claims a room of its own (claim_many.pgbench.sql says why)."""
    with deployment(CLAIMS_PER_TARGET_PER_DAY="100000", UNUSUAL_CLAIMS_PER_DAY="1000000") as made:
        from bench.claiming import compare, scene, signed_in

        keys = min(1000, round(100 + 15 * given.seconds))
        found = scene(made, targets=ROOM * given.connections, one_time_pre_keys=keys)
        rooms = found.rooms()
        with made.web(workers=given.workers, threads=given.threads) as web:
            signed_in(found)
            statements = statements_of(made, [found.claim_room(room) for room in rooms])
            lanes = [[found.claim_room(room) for _ in range(LANE)] for room in rooms]
            limit = found.limit(
                "claim_many.pgbench.sql", given.connections, [[found.ask(room)] for room in rooms]
            )
            ratio, p99, figures = compare(found, web, lanes, limit, given, each=ROOM, what="keys")
    bars = [
        Bar("ratio to pgbench", ratio, 0.30, places=3),
        Bar("statements a request", statements, 9, most=True, places=1),
    ]
    figures |= {"p99_ms": p99}
    return show("claim_many", figures, bars, as_json=given.as_json)


if __name__ == "__main__":
    sys.exit(main())
