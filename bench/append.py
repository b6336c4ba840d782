"""Messages to fifty devices with `record()` and without: what the event costs, in throughput."""

import sys

from bench import load
from bench.deployment import DIRECTORY, THREADS, WORKERS, Deployment, cpu_of, deployment
from bench.report import Arguments, Bar, arguments, middle, show

ROUNDS = 3
BAR = 0.85
# More than there is time for.
MESSAGES_A_SECOND = 350
WITH, WITHOUT = "semafore.wsgi:application", "bench.unrecorded:application"


def main() -> int:
    """Measures and prints; 1 when the bar is missed."""
    return measure(arguments("append", __doc__ or "", workers=WORKERS, threads=THREADS))


def measure(given: Arguments) -> int:
    """Each connection is a sender in a room of fifty-one; both kinds take turns."""
    with deployment(MESSAGES_PER_DEVICE_PER_MINUTE="1000000") as made:
        from bench import data, rooms

        organisation_id = data.organisation()
        people = data.devices(organisation_id, rooms.RECIPIENTS + 1, one_time_pre_keys=0)
        room_id = rooms.room(organisation_id, people)
        data.issue_tokens(people[: given.connections])
        seconds = given.seconds / ROUNDS
        number = round((seconds + 1) * MESSAGES_A_SECOND / given.connections) + 1

        def lanes() -> list[list[bytes]]:
            path = f"rooms/{room_id}/messages"
            return [
                [
                    load.request("POST", path, one.token, rooms.message(one, people))
                    for _ in range(number)
                ]
                for one in people[: given.connections]
            ]

        found: dict[str, list[tuple[float, float]]] = {WITH: [], WITHOUT: []}
        for turn in range(ROUNDS):
            # Who goes first has the emptier tables.
            for application in (WITH, WITHOUT)[:: 1 if turn % 2 else -1]:
                found[application].append(_turn(made, application, lanes(), seconds, given))
    rates = {name: middle([rate for rate, _ in rounds]) for name, rounds in found.items()}
    costs = {name: middle([cost for _, cost in rounds]) for name, rounds in found.items()}
    figures = {
        "messages_a_second_with": rates[WITH],
        "messages_a_second_without": rates[WITHOUT],
        "cpu_ms_a_message_with": round(costs[WITH], 2),
        "cpu_ms_a_message_without": round(costs[WITHOUT], 2),
    }
    ratio = Bar("throughput with record() to without", rates[WITH] / rates[WITHOUT], BAR)
    return show("append", figures, [ratio], as_json=given.as_json)


def _turn(
    made: Deployment, application: str, lanes: list[list[bytes]], seconds: float, given: Arguments
) -> tuple[float, float]:
    """Messages a second, and milliseconds of processor time each, web and PostgreSQL together."""
    with made.administrator() as connection:
        connection.execute("TRUNCATE messaging_envelope")
    made.settle()
    with made.web(workers=given.workers, threads=given.threads, application=application) as web:
        before = cpu_of(web) + cpu_of(made.database())
        result = load.start(DIRECTORY / "plan", made.port, lanes, seconds=seconds, repeat=False)
        spent = cpu_of(web) + cpu_of(made.database()) - before
    if result.not_ok:
        raise RuntimeError(f"{result.not_ok} answers were not 201; the first: {result.sample}")
    return result.per_second, 1000 * spent / result.sent


if __name__ == "__main__":
    sys.exit(main())
