"""Idle device sockets: what one costs the realtime process in memory."""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterable

from bench.deployment import deployment, resident
from bench.report import Bar, show
from semafore.local.servers import ROOT

# What is loaded at the first connections is the price of the process, not of a socket.
FIRST = 100


class Holder:
    """The process that holds the other ends."""

    def __init__(self, port: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.sockets", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def open(self, tokens: Iterable[str]) -> int:
        """Opens a socket with each token; how many are greeted and open now, all in all."""
        assert self.process.stdin
        self.process.stdin.write("".join(f"{token}\n" for token in tokens) + "\n")
        self.process.stdin.flush()
        return self._number()

    def close(self) -> int:
        """Ends it; how many were still open."""
        assert self.process.stdin
        self.process.stdin.close()
        number = self._number()
        self.process.wait()
        return number

    def _number(self) -> int:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the sockets' process failed; it says above why")
        return int(line)


def main() -> int:
    """Measures and prints; 1 when the bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.idle_sockets", description=__doc__)
    parser.add_argument("--connections", type=int, default=2000, help="sockets (2000)")
    parser.add_argument("--seconds", type=float, default=25, help="idle before measuring (25)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    given = parser.parse_args()
    with deployment() as made:
        from bench import data

        organisation_id = data.organisation()
        phones = data.devices(organisation_id, given.connections + FIRST, one_time_pre_keys=0)
        data.issue_tokens(phones)
        tokens = [phone.token for phone in phones]
        with made.realtime() as process:
            holder = Holder(made.port)
            holder.open(tokens[:FIRST])
            time.sleep(2)
            before = resident(process)
            begun = time.monotonic()
            greeted = holder.open(tokens[FIRST:])
            took = time.monotonic() - begun
            # The server's pings go out every 20 seconds and must be part of being idle.
            time.sleep(given.seconds)
            after = resident(process)
            left = holder.close()
    each = (after - before) / given.connections / 1024
    figures = {
        "sockets": given.connections,
        "greeted": greeted - FIRST,
        "open_at_the_end": left - FIRST,
        "process_mib_before": round(before / 2**20, 1),
        "process_mib_after": round(after / 2**20, 1),
        "connected_a_second": given.connections / took,
    }
    bars = [
        Bar("an idle socket", each, 45, most=True, unit=" KiB", places=1),
        Bar("sockets that stayed", left - FIRST, given.connections, places=0),
    ]
    return show("idle_sockets", figures, bars, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
