"""Holds device sockets, sends messages at a steady pace, and takes the time from POST to frame.

A process of its own (`python -m bench.deliveries`): one thread, plain sockets. Reads one JSON
object from its standard input: `web`, `realtime` (ports), `tokens` (of the sockets), `messages`
(requests in base64), `a_second`, `warm_up` (seconds). Prints one JSON object.
"""

import base64
import json
import re
import selectors
import statistics
import sys
import time

from bench.load import Connection
from bench.sockets import TEXT, DeviceSocket

MESSAGE_ID = re.compile(rb'"message_id":\s?"([0-9a-f-]{36})"')
ENVELOPE_ID = re.compile(rb'"envelope_id":\s?"([0-9a-f-]{36})"')
PATIENCE = 20.0
MASK = bytes(4)


class Mailbox(DeviceSocket):
    """A socket that acknowledges each envelope and notes when it came."""

    def __init__(self, port: int, token: str, came: list[tuple[bytes, float]]) -> None:
        self.drained = False
        self._came = came
        super().__init__(port, token)

    def _handle(self, kind: int, data: bytes) -> None:
        super()._handle(kind, data)
        if kind != TEXT:
            return
        if b'"mailbox.drained"' in data:
            self.drained = True
        found, message = ENVELOPE_ID.search(data), MESSAGE_ID.search(data)
        if found and message:
            self._came.append((message.group(1), time.perf_counter()))
            ack = b'{"type":"ack","envelope_ids":["' + found.group(1) + b'"]}'
            self.socket.sendall(bytes((0x81, 0x80 | len(ack))) + MASK + ack)


class Pace:
    """Sends requests at their times, and meanwhile reads what comes."""

    def __init__(self, web: int, selector: selectors.BaseSelector) -> None:
        self.selector = selector
        self.free = [Connection(("127.0.0.1", web), []) for _ in range(8)]
        for connection in self.free:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        self.answered: list[float] = []
        self.not_ok = 0

    def poll(self, seconds: float) -> None:
        """Reads what comes within this time, frames and answers."""
        for key, _ in self.selector.select(max(0.0, seconds)):
            one = key.data
            if isinstance(one, Connection):
                if one.receive():
                    self.answered.append(time.perf_counter() - one.sent_at)
                    self.not_ok += not one.ok
                    self.free.append(one)
            else:
                one.receive()

    def send(self, request: bytes, due: float) -> float:
        """Sends one when it is due, or later if all connections wait; when it was sent."""
        while (left := due - time.perf_counter()) > 0:
            self.poll(left)
        while not self.free:
            self.poll(0.5)
        connection = self.free.pop()
        connection.requests, connection.next = [request], 0
        connection.send(repeat=False)
        return connection.sent_at


def main() -> None:
    """Opens the sockets, sends, and says what it saw."""
    plan = json.load(sys.stdin)
    came: list[tuple[bytes, float]] = []
    selector = selectors.DefaultSelector()
    pace = Pace(plan["web"], selector)
    sockets = [Mailbox(plan["realtime"], token, came) for token in plan["tokens"]]
    for one in sockets:
        selector.register(one.socket, selectors.EVENT_READ, one)
    deadline = time.monotonic() + PATIENCE
    while not all(one.drained for one in sockets) and time.monotonic() < deadline:
        pace.poll(0.5)

    sent: dict[bytes, float] = {}
    begin = time.perf_counter()
    for number, request in enumerate(base64.b64decode(one) for one in plan["messages"]):
        message = MESSAGE_ID.search(request)
        assert message
        sent[message.group(1)] = pace.send(request, begin + number / plan["a_second"])
    expected = plan["recipients"] * len(sent)
    deadline = time.monotonic() + PATIENCE
    while len(came) < expected and time.monotonic() < deadline:
        pace.poll(0.5)

    after = begin + plan["warm_up"]
    times = [1000 * (at - sent[one]) for one, at in came if sent[one] >= after]
    times.sort()
    figures = {
        "expected": expected,
        "came": len(came),
        "not_ok": pace.not_ok,
        "median": times[len(times) // 2],
        "p95": times[len(times) * 95 // 100],
        "p99": times[len(times) * 99 // 100],
        "post_median": 1000 * statistics.median(pace.answered),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
