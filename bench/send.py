"""Messages to fifty devices, 600 bytes each, with receipt and event: envelopes a second."""

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
from bench.statements import drifted

ROUNDS = 3
ROOMS = 4
# More than the bar asks for, so that the time is over before the messages are.
MESSAGES_A_SECOND = 350


def main() -> int:
    """Measures and prints; 1 when a bar is missed."""
    return measure(arguments("send", __doc__ or "", workers=WORKERS, threads=THREADS))


def measure(given: Arguments) -> int:
    """Each connection is a sender of its own, in one of the rooms."""
    part = given.seconds / ROUNDS
    with deployment(MESSAGES_PER_DEVICE_PER_MINUTE="1000000") as made:
        from bench import data, rooms

        if stale := drifted():
            raise RuntimeError(f"{', '.join(stale)}: run python -m bench.statements")
        organisation_id = data.organisation()
        halls = []
        for _ in range(ROOMS):
            people = data.devices(organisation_id, rooms.RECIPIENTS + 1, one_time_pre_keys=0)
            halls.append((rooms.room(organisation_id, people), people))

        def requests(connection: int, number: int) -> list[bytes]:
            room_id, people = halls[connection % ROOMS]
            sender = people[connection // ROOMS]
            path = f"rooms/{room_id}/messages"
            return [
                load.request("POST", path, sender.token, rooms.message(sender, people))
                for _ in range(number)
            ]

        senders = [halls[one % ROOMS][1][one // ROOMS] for one in range(given.connections)]
        lane = round((part + 1) * MESSAGES_A_SECOND / given.connections) + 1
        with made.web(workers=given.workers, threads=given.threads) as web:
            data.sign_in(made.base_url, senders)
            statements = statements_of(made, requests(0, 50)[5:])
            database = made.database()
            limit = Limit(
                made,
                "send.pgbench.sql",
                organisation_id=organisation_id,
                connections=given.connections,
                slots={"room": str(halls[0][0])},
            )
            hall = halls[0][1]
            data.issue_tokens(hall[: given.connections])
            limit.plan(
                [
                    [
                        Ask(
                            [two.id for two in hall if two != one],
                            one.id,
                            one.membership_id,
                            one.token_hash,
                        )
                    ]
                    for one in hall[: given.connections]
                ]
            )
            results, costs, possible = [], [], []
            for _ in range(ROUNDS):
                lanes = [requests(one, lane) for one in range(given.connections)]
                _empty(made)
                before = cpu_of(web), cpu_of(database)
                results.append(_load(made, lanes, part))
                spent = cpu_of(web) - before[0], cpu_of(database) - before[1]
                costs.append([1000 * one / results[-1].sent for one in spent])
                _empty(made)
                possible.append(limit.run(seconds=part, protocol="prepared"))
    envelopes = rooms.RECIPIENTS * middle([result.per_second for result in results])
    figures = {
        "connections": given.connections,
        "workers_x_threads": f"{given.workers} x {given.threads}",
        "messages_a_second": envelopes / rooms.RECIPIENTS,
        "p50_ms": middle([result.p50 for result in results]),
        "p99_ms": middle([result.p99 for result in results]),
        "answers_not_200": sum(result.not_ok for result in results),
        "statements_a_message": statements,
        "pgbench_envelopes_a_second": rooms.RECIPIENTS * middle(possible),
        "ratio_to_pgbench": round(envelopes / rooms.RECIPIENTS / middle(possible), 3),
        "web_cpu_ms_a_message": round(middle([web for web, _ in costs]), 2),
        "postgresql_cpu_ms_a_message": round(middle([database for _, database in costs]), 2),
        "load_generator_share_of_a_core": round(
            middle([result.cpu_seconds / result.seconds for result in results]), 3
        ),
    }
    return show(
        "send",
        figures,
        [Bar("envelopes a second", envelopes, 10_000, places=0)],
        as_json=given.as_json,
    )


def _empty(made: Deployment) -> None:
    with made.administrator() as connection:
        connection.execute("TRUNCATE messaging_envelope")
    made.settle()


def _load(made: Deployment, lanes: list[list[bytes]], seconds: float) -> load.Result:
    result = load.start(DIRECTORY / "plan", made.port, lanes, seconds=seconds, repeat=False)
    if result.not_ok:
        raise RuntimeError(f"{result.not_ok} answers were not 201; the first: {result.sample}")
    return result


if __name__ == "__main__":
    sys.exit(main())
