"""What the two benchmarks of claiming share: the people, the keys, and who asks for whom."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import psutil
from django.conf import settings

from bench import load
from bench.data import BenchDevice, devices, organisation, sign_in
from bench.deployment import DIRECTORY, Deployment, cpu_of
from bench.limit import Ask, Limit
from bench.report import Arguments, middle
from bench.statements import SLOTS, drifted
from bench.templates import ROOM

CLAIMANTS = 64
# Who asks for whom is the same in every run.
_RANDOM = random.Random(1)  # noqa: S311 - decides nothing secret
ROUNDS = 3
CLAIMS = 50_000

# A server that runs has a day's claims in its table, and statements planned for that: planned for
# an empty table they would read it from end to end.
YESTERDAY = """
CREATE TABLE bench_yesterday AS
WITH people AS (
    SELECT device.id, person.account_id, row_number() OVER (ORDER BY device.id) AS n,
           count(*) OVER () AS all_of_them
    FROM keys_device AS device JOIN orgs_membership AS person ON person.id = device.membership_id
    WHERE device.organisation_id = %(organisation)s
), picked AS (
    SELECT 1 + floor(random() * (SELECT count(*) FROM people))::int AS claimant,
           1 + floor(random() * (SELECT count(*) FROM people))::int AS target
    FROM generate_series(1, %(claims)s)
), written AS (
    INSERT INTO keys_claim (id, organisation_id, claimant_account_id, claimant_device_id,
                            target_id, at)
    SELECT gen_random_uuid(), %(organisation)s, claimant.account_id, claimant.id, target.id,
           now() - random() * interval '23 hours'
    FROM picked
    JOIN people AS claimant ON claimant.n = picked.claimant
    JOIN people AS target ON target.n = picked.target
    RETURNING id
)
SELECT id FROM written
"""
PLANS = 500


@dataclass(frozen=True, slots=True)
class Scene:
    """One organisation with claimants and targets, all of distinct people."""

    made: Deployment
    organisation_id: UUID
    claimants: Sequence[BenchDevice]
    targets: Sequence[BenchDevice]

    def ask(self, targets: Sequence[BenchDevice]) -> Ask:
        """A random claimant asks for these."""
        one = _RANDOM.choice(self.claimants)
        ids = [target.id for target in targets]
        return Ask(ids, one.id, one.account_id, one.token_hash)

    def limit(self, script: str, connections: int, plans: Sequence[Sequence[Ask]]) -> Limit:
        """The same devices for pgbench."""
        limit = Limit(
            self.made,
            script,
            organisation_id=self.organisation_id,
            connections=connections,
            slots={"slot": str(SLOTS), "limit": str(settings.CLAIMS_PER_TARGET_PER_DAY)},
        )
        limit.plan(plans)
        return limit

    def random_plans(self) -> list[list[Ask]]:
        """For single claims: each plan is some random pairs."""
        return [
            [self.ask([_RANDOM.choice(self.targets)]) for _ in range(SLOTS)] for _ in range(PLANS)
        ]

    def rooms(self) -> list[Sequence[BenchDevice]]:
        """The targets in rooms of fifty."""
        return [self.targets[at : at + ROOM] for at in range(0, len(self.targets), ROOM)]

    def claim_one(self) -> bytes:
        """A random claimant asks for a random target."""
        target = _RANDOM.choice(self.targets)
        token = _RANDOM.choice(self.claimants).token
        return load.request("POST", f"key-bundles/{target.id}/claim", token)

    def claim_room(self, room: Sequence[BenchDevice]) -> bytes:
        """A random claimant asks for a whole room."""
        body = json.dumps({"device_ids": [str(target.id) for target in room]}).encode()
        return load.request("POST", "key-bundles/claim", _RANDOM.choice(self.claimants).token, body)

    def load(self, lanes: Sequence[Sequence[bytes]], seconds: float) -> load.Result:
        """Runs the load. Raises when an answer was not 200."""
        result = load.start(DIRECTORY / "plan", self.made.port, lanes, seconds=seconds)
        if result.not_ok:
            raise RuntimeError(f"{result.not_ok} answers were not 200; the first: {result.sample}")
        return result

    def restock(self) -> None:
        """Takes back all claims, so that every turn begins with the same keys.

        Raises when a claim found no key: the figures would be of something else.
        """
        with self.made.administrator() as connection:
            dry = connection.execute(
                "SELECT count(*) FROM keys_claim WHERE key_id IS NULL AND id NOT IN"
                " (SELECT id FROM bench_yesterday)"
            )
            if dry.fetchone() != (0,):
                raise RuntimeError("a device ran out of keys: measure for a shorter time")
            connection.execute(
                "DELETE FROM keys_claim WHERE id NOT IN (SELECT id FROM bench_yesterday)"
            )
            connection.execute(
                "UPDATE keys_onetimeprekey SET claimed_at = NULL WHERE claimed_at IS NOT NULL"
            )
            connection.execute(
                "UPDATE keys_keybundle AS b"
                " SET claims = 0, issued_key_id = 0, available = (SELECT count(*)"
                " FROM keys_onetimeprekey AS k WHERE k.device_id = b.device_id)"
            )
        self.made.settle()


def scene(made: Deployment, *, targets: int, one_time_pre_keys: int) -> Scene:
    """Devices with keys, and claimants; `sign_in` comes when the server runs."""
    if stale := drifted():
        raise RuntimeError(f"{', '.join(stale)}: run python -m bench.statements")
    organisation_id = organisation()
    found = Scene(
        made,
        organisation_id,
        devices(organisation_id, CLAIMANTS, one_time_pre_keys=0),
        devices(organisation_id, targets, one_time_pre_keys=one_time_pre_keys),
    )
    with made.administrator() as connection:
        connection.execute(YESTERDAY, {"organisation": organisation_id, "claims": CLAIMS})
    return found


def signed_in(found: Scene) -> None:
    """Each claimant gets its token from the running server."""
    sign_in(found.made.base_url, found.claimants)


def compare(
    found: Scene,
    web: psutil.Process,
    lanes: Sequence[Sequence[bytes]],
    limit: Limit,
    given: Arguments,
    *,
    each: int,
    what: str,
) -> tuple[float, float, dict[str, object]]:
    """Ratio to the limit, p99 in milliseconds, and figures; `each` is what one request claims.

    Server and pgbench take turns, so that a slow minute of the machine hits both; medians count.
    The limit is pgbench with prepared statements, the faster of its two ways.
    """
    made, part = found.made, given.seconds / ROUNDS
    database = made.database()
    results, costs = [], []
    simple: list[float] = []
    prepared: list[float] = []
    # Each worker prepares its statements and fills its caches before anything counts.
    found.load(lanes, 2)
    for _ in range(ROUNDS):
        found.restock()
        before = cpu_of(web), cpu_of(database)
        results.append(found.load(lanes, part))
        spent = cpu_of(web) - before[0], cpu_of(database) - before[1]
        costs.append([1000 * one / results[-1].sent for one in spent])
        for protocol, speeds in (("simple", simple), ("prepared", prepared)):
            found.restock()
            speeds.append(limit.run(seconds=part, protocol=protocol))
    found.restock()
    served = [result.per_second for result in results]
    ratio = middle([one / other for one, other in zip(served, prepared, strict=True)])
    p99 = middle([result.p99 for result in results])
    figures = {
        "connections": given.connections,
        "workers_x_threads": f"{given.workers} x {given.threads}",
        f"{what}_a_second": each * middle(served),
        "p50_ms": middle([result.p50 for result in results]),
        "answers_not_200": sum(result.not_ok for result in results),
        f"pgbench_{what}_a_second": each * middle(prepared),
        f"pgbench_unprepared_{what}_a_second": each * middle(simple),
        "web_cpu_ms_a_request": round(middle([web for web, _ in costs]), 2),
        "postgresql_cpu_ms_a_request": round(middle([database for _, database in costs]), 2),
        "load_generator_share_of_a_core": round(
            middle([result.cpu_seconds / result.seconds for result in results]), 3
        ),
    }
    return ratio, p99, figures
