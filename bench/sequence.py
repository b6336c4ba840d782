"""The sequencer on a log of 200 000 events that wait: events a second, checkpoints between them."""

import argparse
import base64
import sys
import tempfile
import time
from pathlib import Path
from uuid import UUID

from bench.deployment import Deployment, cpu_of, deployment
from bench.report import Bar, middle, show

EVENTS = 200_000
ROUNDS = 3
BAR = 20_000
KEY = base64.b64encode(bytes(32)).decode()

# What a message's event weighs: copies of one that the server wrote, under ids of their own.
COPY = """
WITH given AS (
    SELECT event_id, entry FROM audit_pending
    WHERE organisation_id = %(organisation)s ORDER BY id DESC LIMIT 1
), copies AS (
    SELECT uuidv7() AS id FROM generate_series(1, %(number)s)
), events AS (
    INSERT INTO audit_event (organisation_id, id, class, who, who_opening, c_who,
        what, what_opening, c_what)
    SELECT event.organisation_id, copies.id, class, who, who_opening, c_who,
        what, what_opening, c_what
    FROM given JOIN audit_event AS event ON event.id = given.event_id, copies
)
INSERT INTO audit_pending (organisation_id, event_id, entry)
SELECT %(organisation)s, copies.id, entry FROM given, copies
"""


def main() -> int:
    """Measures and prints; 1 when the bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.sequence", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help=f"that wait ({EVENTS})")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    given = parser.parse_args()
    with deployment(CHECKPOINT_KEYS=KEY) as made, tempfile.TemporaryDirectory() as folder:
        rounds = [_measure(made, given.events, Path(folder)) for _ in range(ROUNDS)]
    figures = {
        "events": given.events,
        "postgresql_cpu_us_an_event": middle([database for _, database, _ in rounds]),
        "log_process_cpu_us_an_event": middle([process for _, _, process in rounds]),
    }
    bars = [Bar("events a second", middle([rate for rate, _, _ in rounds]), BAR, places=0)]
    return show("sequence", figures, bars, as_json=given.json)


def _measure(made: Deployment, number: int, folder: Path) -> tuple[float, float, float]:
    """Events a second, and microseconds of processor time an event: PostgreSQL's, the process's."""
    from audit.log_process import LogProcess
    from audit.logs import log_of
    from audit.selectors.tree import tree_head
    from audit.state import SignerState

    log = log_of(_send_one(made))
    with made.administrator() as connection:
        connection.execute(COPY, {"number": number, "organisation": log.organisation_id})
    made.settle()
    with SignerState(folder) as state:
        before = cpu_of(made.database()), time.process_time()
        began = time.perf_counter()
        LogProcess(state).drain()
        took = time.perf_counter() - began
        size = tree_head(log).size
    assert size > number
    spent = cpu_of(made.database()) - before[0], time.process_time() - before[1]
    return size / took, 1e6 * spent[0] / size, 1e6 * spent[1] / size


def _send_one(made: Deployment) -> UUID:
    """An organisation in which somebody has sent a message, the last event that waits."""
    import httpx

    from bench import data, rooms
    from semafore.wsgi import application

    organisation_id = data.organisation()
    people = data.devices(organisation_id, rooms.RECIPIENTS + 1, one_time_pre_keys=0)
    data.issue_tokens(people[:1])
    with httpx.Client(transport=httpx.WSGITransport(app=application)) as client:
        client.post(
            f"{made.base_url}/api/mobile/rooms/{rooms.room(organisation_id, people)}/messages",
            content=rooms.message(people[0], people),
            headers={
                "Authorization": f"Bearer {people[0].token}",
                "Content-Type": "application/json",
                "User-Agent": "SemaFore/1.0.0 (bench)",
            },
        ).raise_for_status()
    return organisation_id


if __name__ == "__main__":
    sys.exit(main())
