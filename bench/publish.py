"""Publishing batches of a hundred one-time pre-keys: keys a second."""

import json
import sys

from bench import load
from bench.deployment import (
    DIRECTORY,
    THREADS,
    WORKERS,
    Deployment,
    cpu_of,
    deployment,
    statements_of,
)
from bench.limit import Ask, Limit
from bench.report import Arguments, Bar, arguments, middle, show
from bench.statements import BATCH, drifted

ROUNDS = 3
# A device holds a thousand keys: after ten batches it is another one's turn.
BATCHES = 10
# More than the bar asks for, so that the time is over before the keys are.
REQUESTS_A_SECOND = 450


def main() -> int:
    """Measures and prints; 1 when a bar is missed."""
    return measure(arguments("publish", __doc__ or "", workers=WORKERS, threads=THREADS))


def measure(given: Arguments) -> int:
    """Each connection publishes for devices of its own, one batch after the other."""
    part = given.seconds / ROUNDS
    with deployment() as made:
        from bench import data

        if stale := drifted():
            raise RuntimeError(f"{', '.join(stale)}: run python -m bench.statements")
        lane_devices = round((part + 1) * REQUESTS_A_SECOND / BATCHES / given.connections) + 1
        organisation_id = data.organisation()
        publishers = data.devices(
            organisation_id, 1 + ROUNDS * lane_devices * given.connections, one_time_pre_keys=0
        )
        limits = data.devices(organisation_id, given.connections, one_time_pre_keys=0)
        with made.web(workers=given.workers, threads=given.threads) as web:
            data.sign_in(made.base_url, [*publishers, *limits])
            statements = statements_of(made, _requests(publishers.pop()))
            limit = Limit(
                made,
                "publish.pgbench.sql",
                organisation_id=organisation_id,
                connections=given.connections,
                slots={"first": "0"},
            )
            limit.plan([[Ask([one.id], one.id, one.account_id, one.token_hash)] for one in limits])
            results, costs, possible = [], [], []
            database = made.database()
            for _ in range(ROUNDS):
                lanes = [
                    [one for _ in range(lane_devices) for one in _requests(publishers.pop())]
                    for _ in range(given.connections)
                ]
                made.settle()
                before = cpu_of(web), cpu_of(database)
                results.append(_load(made, lanes, part))
                spent = cpu_of(web) - before[0], cpu_of(database) - before[1]
                costs.append([1000 * one / results[-1].sent for one in spent])
                made.settle()
                possible.append(limit.run(seconds=part, protocol="prepared"))
                limit.forget_published()
    keys = BATCH * middle([result.per_second for result in results])
    figures = {
        "connections": given.connections,
        "workers_x_threads": f"{given.workers} x {given.threads}",
        "requests_a_second": keys / BATCH,
        "p50_ms": middle([result.p50 for result in results]),
        "p99_ms": middle([result.p99 for result in results]),
        "answers_not_200": sum(result.not_ok for result in results),
        "statements_a_request": statements,
        "pgbench_keys_a_second": BATCH * middle(possible),
        "ratio_to_pgbench": round(keys / BATCH / middle(possible), 3),
        "web_cpu_ms_a_request": round(middle([web for web, _ in costs]), 2),
        "postgresql_cpu_ms_a_request": round(middle([database for _, database in costs]), 2),
    }
    bars = [Bar("keys a second", keys, 30_000, places=0)]
    return show("publish", figures, bars, as_json=given.as_json)


def _requests(device: object) -> list[bytes]:
    """All batches that a device can hold."""
    from bench.data import BenchDevice, publish_body

    assert isinstance(device, BenchDevice)
    path = f"key-bundles/{device.id}"
    return [
        load.request("PUT", path, device.token, json.dumps(publish_body(device)).encode())
        for _ in range(BATCHES)
    ]


def _load(made: Deployment, lanes: list[list[bytes]], seconds: float) -> load.Result:
    result = load.start(DIRECTORY / "plan", made.port, lanes, seconds=seconds, repeat=False)
    if result.not_ok:
        raise RuntimeError(f"{result.not_ok} answers were not 200; the first: {result.sample}")
    return result


if __name__ == "__main__":
    sys.exit(main())
