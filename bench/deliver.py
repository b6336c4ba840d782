"""Delivery to sockets: from POST to frame, ten messages a second to fifty devices each."""

import argparse
import base64
import dataclasses
import json
import subprocess
import sys

from bench import load
from bench.deployment import PORTS, Deployment, cpu_of, deployment
from bench.report import Bar, show
from semafore.local.servers import ROOT
from semafore.local.valkey import port_is_free

MESSAGES_A_SECOND = 10
WARM_UP_SECONDS = 3


def main() -> int:
    """Measures and prints; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.deliver", description=__doc__)
    parser.add_argument("--connections", type=int, default=500, help="sockets (500)")
    parser.add_argument("--seconds", type=float, default=20, help="of sending (20)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    given = parser.parse_args()
    with deployment(MESSAGES_PER_DEVICE_PER_MINUTE="1000000") as made:
        from bench import data, rooms

        organisation_id = data.organisation()
        halls = []
        for _ in range(given.connections // rooms.RECIPIENTS):
            people = data.devices(organisation_id, rooms.RECIPIENTS + 1, one_time_pre_keys=0)
            data.issue_tokens(people)
            halls.append((rooms.room(organisation_id, people), people))
        number = round((given.seconds + WARM_UP_SECONDS) * MESSAGES_A_SECOND)
        messages = []
        for count in range(number):
            room_id, people = halls[count % len(halls)]
            body = rooms.message(people[0], people)
            messages.append(
                load.request("POST", f"rooms/{room_id}/messages", people[0].token, body)
            )
        made.settle()
        beside = _beside(made)
        with made.web() as web, beside.realtime() as realtime:
            before = cpu_of(web), cpu_of(realtime), cpu_of(made.database())
            seen = _deliveries(
                web=made.port,
                realtime=beside.port,
                tokens=[one.token for _, people in halls for one in people[1:]],
                messages=[base64.b64encode(one).decode() for one in messages],
                recipients=rooms.RECIPIENTS,
                a_second=MESSAGES_A_SECOND,
                warm_up=WARM_UP_SECONDS,
            )
            after = cpu_of(web), cpu_of(realtime), cpu_of(made.database())
    if seen["not_ok"]:
        raise RuntimeError(f"{seen['not_ok']} messages were not accepted")
    spent = [1000 * (end - begin) / number for begin, end in zip(before, after, strict=True)]
    figures = {
        "sockets": given.connections,
        "messages_a_second": MESSAGES_A_SECOND,
        "envelopes": seen["came"],
        "p95_ms": seen["p95"],
        "p99_ms": seen["p99"],
        "post_median_ms": seen["post_median"],
        "web_cpu_ms_a_message": round(spent[0], 2),
        "realtime_cpu_ms_a_message": round(spent[1], 2),
        "postgresql_cpu_ms_a_message": round(spent[2], 2),
    }
    bars = [
        Bar("median from POST to frame", seen["median"], 30, most=True, unit=" ms", places=1),
        Bar("envelopes that came", seen["came"], seen["expected"], places=0),
    ]
    return show("deliver", figures, bars, as_json=given.json)


def _beside(made: Deployment) -> Deployment:
    """The same deployment at another port: REST and sockets are two processes, as in production."""
    free = (port for port in PORTS if port != made.port and port_is_free(port))
    return dataclasses.replace(made, port=next(free))


def _deliveries(**plan: object) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.deliveries"],
        input=json.dumps(plan),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    sys.exit(main())
