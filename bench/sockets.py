"""Holds idle device sockets: one thread, plain sockets, only as much WebSocket as that needs.

A process of its own (`python -m bench.sockets PORT`): reads tokens from its standard input, a line
each. At an empty line it opens those it has and prints how many said hello; at the end of input it
prints how many are still open.
"""

import base64
import contextlib
import os
import selectors
import socket
import struct
import sys
import time

HELLO_SECONDS = 60
AT_ONCE = 50
PING, PONG, TEXT, CLOSE = 0x9, 0xA, 0x1, 0x8


class DeviceSocket:
    """One WebSocket of a device."""

    def __init__(self, port: int, token: str) -> None:
        self.greeted = False
        self.open = True
        self._upgraded = False
        self._buffer = b""
        self.socket = socket.create_connection(("127.0.0.1", port))
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /ws/mobile HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            f"User-Agent: SemaFore/1.0.0 (bench)\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )

    def receive(self) -> None:
        """Reads what has come; answers pings."""
        try:
            part = self.socket.recv(65_536)
        except ConnectionError:
            part = b""
        if not part:
            self.open = False
            return
        self._buffer += part
        if not self._upgraded:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            if head[9:12] != b"101":
                raise RuntimeError(head.decode(errors="replace"))
            self._upgraded, self._buffer = True, rest
        while (frame := self._frame()) is not None:
            self._handle(*frame)

    def _frame(self) -> tuple[int, bytes] | None:
        if len(self._buffer) < 2:
            return None
        kind, length, start = self._buffer[0] & 0xF, self._buffer[1] & 0x7F, 2
        for marker, form in ((126, ">H"), (127, ">Q")):
            if length == marker:
                start = 2 + struct.calcsize(form)
                if len(self._buffer) < start:
                    return None
                (length,) = struct.unpack(form, self._buffer[2:start])
                break
        if len(self._buffer) < start + length:
            return None
        data, self._buffer = self._buffer[start : start + length], self._buffer[start + length :]
        return kind, data

    def _handle(self, kind: int, data: bytes) -> None:
        if kind == PING:
            # Frames of clients are masked; a mask of zeros leaves the data as it is.
            self.socket.sendall(bytes((0x80 | PONG, 0x80 | len(data))) + bytes(4) + data)
        elif kind == TEXT and b'"hello"' in data:
            self.greeted = True
        elif kind == CLOSE:
            self.open = False


def main() -> None:
    """Opens and holds."""
    port = int(sys.argv[1])
    selector = selectors.DefaultSelector()
    held: list[DeviceSocket] = []

    def poll(seconds: float) -> None:
        for key, _ in selector.select(seconds):
            key.data.receive()
            if not key.data.open:
                selector.unregister(key.fileobj)

    waiting: list[str] = []
    os.set_blocking(0, False)
    text, ended = "", False
    while not ended:
        poll(0.05)
        with contextlib.suppress(BlockingIOError):
            part = os.read(0, 1 << 20)
            ended = not part
            text += part.decode()
        *lines, text = text.split("\n")
        for line in lines:
            if line:
                waiting.append(line)
                continue
            for at in range(0, len(waiting), AT_ONCE):
                made = [DeviceSocket(port, token) for token in waiting[at : at + AT_ONCE]]
                for one in made:
                    selector.register(one.socket, selectors.EVENT_READ, one)
                held += made
                deadline = time.monotonic() + HELLO_SECONDS
                while not all(one.greeted for one in made) and time.monotonic() < deadline:
                    poll(0.5)
            waiting = []
            print(sum(one.greeted and one.open for one in held), flush=True)
    print(sum(one.greeted and one.open for one in held), flush=True)


if __name__ == "__main__":
    main()
