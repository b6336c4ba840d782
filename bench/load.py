"""A load generator that costs next to nothing: one thread, plain sockets, keep-alive HTTP/1.1.

Runs as a process of its own (`python -m bench.load PLAN`). Each connection has its own requests
and sends the next one when it has the answer.
"""

import json
import resource
import selectors
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

HEADER = struct.Struct(">II")
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"
OK = b"20"
UNFINISHED = "the server closed a connection"


@dataclass(frozen=True, slots=True)
class Result:
    """What a run measured; times in milliseconds, the first second left out."""

    requests: int
    sent: int
    """All that were answered, those of the first second too."""
    seconds: float
    p50: float
    p99: float
    not_ok: int
    sample: str
    """The beginning of the first answer that wasn't 200."""
    cpu_seconds: float
    """What the generator itself took."""

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    """One request, ready to be sent."""
    head = (
        f"{method} /api/mobile/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"User-Agent: SemaFore/1.0.0 (bench)\r\nAuthorization: Bearer {token}\r\n"
    )
    if body or method != "GET":
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


class Connection:
    """One keep-alive connection and the requests that it sends in turn."""

    def __init__(self, address: tuple[str, int], requests: Sequence[bytes]) -> None:
        self.requests = requests
        self.next = 0
        self.sent_at = 0.0
        self.buffer = b""
        self.wanted = 0
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)

    def send(self, *, repeat: bool) -> bool:
        """Sends the next request; False when there is none left."""
        if self.next == len(self.requests):
            if not repeat:
                return False
            self.next = 0
        self.buffer, self.wanted = b"", 0
        self.sent_at = time.perf_counter()
        self.socket.sendall(self.requests[self.next])
        self.next += 1
        return True

    def receive(self) -> bool:
        """Reads what has come; whether the answer is complete."""
        part = self.socket.recv(262_144)
        if not part:
            raise ConnectionError(UNFINISHED)
        self.buffer = self.buffer + part if self.buffer else part
        if not self.wanted:
            end = self.buffer.find(HEAD_END)
            if end < 0:
                return False
            head = self.buffer[:end].lower()
            at = head.find(LENGTH)
            stop = head.find(b"\r\n", at)
            length = head[at + len(LENGTH) : stop if stop > 0 else None]
            self.wanted = end + len(HEAD_END) + int(length)
        return len(self.buffer) >= self.wanted

    @property
    def ok(self) -> bool:
        """Whether the answer was 200 or 201."""
        return self.buffer[9:11] == OK


def run(
    address: tuple[str, int],
    lanes: Sequence[Sequence[bytes]],
    *,
    seconds: float,
    warm_up: float,
    repeat: bool,
) -> Result:
    """Sends on every lane until the time is over, or a lane that isn't to be repeated is empty."""
    selector = selectors.DefaultSelector()
    connections = [Connection(address, lane) for lane in lanes]
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send(repeat=repeat)
    begin = time.perf_counter() + warm_up
    deadline = begin + seconds
    times: list[float] = []
    sent, not_ok, sample, now, more = 0, 0, "", 0.0, True
    while more and now < deadline:
        for key, _ in selector.select():
            connection = key.data
            if not connection.receive():
                continue
            now = time.perf_counter()
            sent += 1
            if not connection.ok:
                not_ok += 1
                sample = sample or connection.buffer[:600].decode(errors="replace")
            if now >= begin:
                times.append(now - connection.sent_at)
            more = connection.send(repeat=repeat) and more
    for connection in connections:
        connection.socket.close()
    used = resource.getrusage(resource.RUSAGE_SELF)
    times.sort()
    return Result(
        requests=len(times),
        sent=sent,
        seconds=now - begin,
        p50=1000 * times[len(times) // 2],
        p99=1000 * times[len(times) * 99 // 100],
        not_ok=not_ok,
        sample=sample,
        cpu_seconds=used.ru_utime + used.ru_stime,
    )


def exchange(host: str, port: int, requests: Sequence[bytes]) -> list[bytes]:
    """Sends requests one after the other; the whole answers. Raises for one that isn't 200."""
    connection = Connection((host, port), requests)
    answers = []
    while connection.send(repeat=False):
        while not connection.receive():
            pass
        if not connection.ok:
            raise RuntimeError(connection.buffer[:600].decode(errors="replace"))
        answers.append(connection.buffer)
    connection.socket.close()
    return answers


def start(
    plan: Path,
    port: int,
    lanes: Sequence[Sequence[bytes]],
    *,
    seconds: float,
    warm_up: float = 1.0,
    repeat: bool = True,
) -> Result:
    """Writes the plan and has a process of its own carry it out."""
    settings = {"port": port, "seconds": seconds, "warm_up": warm_up, "repeat": repeat}
    with plan.open("wb") as file:
        file.write(json.dumps(settings).encode() + b"\n")
        for number, lane in enumerate(lanes):
            for one in lane:
                file.write(HEADER.pack(number, len(one)) + one)
    done = subprocess.run(
        [sys.executable, "-m", "bench.load", str(plan)],
        check=True,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[1],
    )
    plan.unlink()
    return Result(**json.loads(done.stdout))


def _read(plan: Path) -> tuple[dict[str, float], list[list[bytes]]]:
    with plan.open("rb") as file:
        settings = json.loads(file.readline())
        lanes: dict[int, list[bytes]] = {}
        while header := file.read(HEADER.size):
            lane, length = HEADER.unpack(header)
            lanes.setdefault(lane, []).append(file.read(length))
    return settings, list(lanes.values())


def main() -> None:
    """Carries out a plan and prints the result as JSON."""
    settings, lanes = _read(Path(sys.argv[1]))
    result = run(
        ("127.0.0.1", int(settings["port"])),
        lanes,
        seconds=settings["seconds"],
        warm_up=settings["warm_up"],
        repeat=bool(settings["repeat"]),
    )
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    main()
