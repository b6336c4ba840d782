"""Claims of one bundle: requests a second beside pgbench on the same statements."""

import sys

from bench.deployment import THREADS, WORKERS, deployment, statements_of
from bench.report import Arguments, Bar, arguments, show

TARGETS = 400
LANE = 2000


def main() -> int:
    """Measures and prints; 1 when a bar is missed."""
    return measure(arguments("claim", __doc__ or "", workers=WORKERS, threads=THREADS))


def measure(given: Arguments) -> int:
    """Random claimants claim from random targets."""
    with deployment(CLAIMS_PER_TARGET_PER_DAY="100000", UNUSUAL_CLAIMS_PER_DAY="1000000") as made:
        from bench.claiming import compare, scene, signed_in

        keys = min(1000, round(60 + 7 * given.seconds))
        found = scene(made, targets=TARGETS, one_time_pre_keys=keys)
        with made.web(workers=given.workers, threads=given.threads) as web:
            signed_in(found)
            statements = statements_of(made, [found.claim_one() for _ in range(50)])
            lanes = [[found.claim_one() for _ in range(LANE)] for _ in range(given.connections)]
            limit = found.limit("claim.pgbench.sql", given.connections, found.random_plans())
            ratio, p99, figures = compare(found, web, lanes, limit, given, each=1, what="claims")
    bars = [
        Bar("ratio to pgbench", ratio, 0.17, places=3),
        Bar("p99", p99, 80, most=True, unit=" ms", places=1),
        Bar("statements a claim", statements, 9, most=True, places=1),
    ]
    return show("claim", figures, bars, as_json=given.as_json)


if __name__ == "__main__":
    sys.exit(main())
