"""The device socket as a device holds it: frames in, acks out, reconnection (api.md)."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from types import TracebackType
from typing import Final, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from semafore.local.client.api import USER_AGENT, ApiProblem
from semafore.local.client.wire import JsonObject

SUBPROTOCOL: Final = "semafore.v1"

MALFORMED: Final = 1007
REVOKED: Final = 4401
TOKEN_EXPIRED: Final = 4408
REPLACED: Final = 4409

_PING_SECONDS: Final = 20.0
# With the ping before it, 60 seconds of silence are the end.
_PONG_SECONDS: Final = 40.0
_FRAME_BYTES_MAX: Final = 2**20
_SHORTEST_WAIT_SECONDS: Final = 1.0
_LONGEST_WAIT_SECONDS: Final = 60.0
_JITTER: Final = random.SystemRandom().uniform

_TOKEN_REFUSED: Final = (401, 403)
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500


class SocketRefused(Exception):  # noqa: N818 -- says what happened
    """The server answered the handshake with an HTTP status instead of a socket."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the server refused the socket with HTTP status {status}")
        self.status = status


class DeviceSocket:
    """One connection: `async with` opens it, `async for` yields frames until it is closed.

    Raises OSError, SocketRefused or another handshake error on opening, never on closing.
    """

    def __init__(self, events_url: str, token: str, *, by_subprotocol: bool = False) -> None:
        """The token goes in a header or, where a client can set none, in the subprotocol pair."""
        self._url = events_url
        self._token = token
        self._by_subprotocol = by_subprotocol
        self._connection: ClientConnection | None = None

    @property
    def close_code(self) -> int | None:
        """How it ended (4401 and so on; 1006 without a word); None while open or before."""
        return None if self._connection is None else self._connection.close_code

    async def __aenter__(self) -> Self:
        subprotocols = [Subprotocol(SUBPROTOCOL), Subprotocol(self._token)]
        try:
            self._connection = await connect(
                self._url,
                additional_headers=(
                    None if self._by_subprotocol else {"Authorization": f"Bearer {self._token}"}
                ),
                subprotocols=subprotocols if self._by_subprotocol else None,
                user_agent_header=USER_AGENT,
                compression=None,
                proxy=None,
                ping_interval=_PING_SECONDS,
                ping_timeout=_PONG_SECONDS,
                max_size=_FRAME_BYTES_MAX,
            )
        except InvalidStatus as refusal:
            raise SocketRefused(refusal.response.status_code) from refusal
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._open_connection.close()

    async def __aiter__(self) -> AsyncGenerator[JsonObject]:
        while (frame := await self.receive()) is not None:
            yield frame

    async def receive(self) -> JsonObject | None:
        """The next frame, None when the socket is closed, cleanly or not: see `close_code`."""
        try:
            frame = json.loads(await self._open_connection.recv())
        except ConnectionClosed:
            return None
        except ValueError:
            frame = None
        if not isinstance(frame, dict):
            await self._open_connection.close(MALFORMED, "not a JSON object")
            return None
        return frame

    async def send(self, frame: JsonObject) -> None:
        """Send one frame; raises ConnectionClosed when the socket no longer is."""
        await self._open_connection.send(json.dumps(frame))

    async def acknowledge(self, envelope_ids: Sequence[str]) -> None:
        """Tell the server that these envelopes are safe here."""
        await self.send({"type": "ack", "envelope_ids": list(envelope_ids)})

    @property
    def _open_connection(self) -> ClientConnection:
        if self._connection is None:
            raise RuntimeError("open the socket with `async with` first")
        return self._connection


def wait_before_retry(attempt: int, jitter: Callable[[float, float], float]) -> float:
    """Seconds to wait before connecting again: 1 to 60, the window doubling with each failure.

    Full jitter: the devices of a server that restarts must not come back all at once.
    """
    window = min(_LONGEST_WAIT_SECONDS, 4.0 * 2 ** min(attempt, 8))
    return jitter(_SHORTEST_WAIT_SECONDS, window)


async def stay_connected(
    events_url: str,
    token: Callable[[bool], str],
    *,
    store: Callable[[JsonObject], object] | None = None,
    closed: Callable[[str, float | None], None] | None = None,
    jitter: Callable[[float, float], float] = _JITTER,
) -> AsyncGenerator[JsonObject]:
    """Yield frames over as many connections as it takes; ends for good when replaced (4409).

    `token(renew)` runs in a thread. The ApiProblem it raises when the device may no longer connect
    ends this too. `closed` hears why, and how many seconds it waits now (None: for good). `store`,
    in a thread too, puts an envelope where it is safe: then, and only then, it is acknowledged.
    Wrap it in `contextlib.aclosing` when leaving early.
    """
    attempt, renew = 0, False
    while True:
        code: int | None = None
        try:
            async with DeviceSocket(events_url, await asyncio.to_thread(token, renew)) as socket:
                renew = False
                async for frame in socket:
                    attempt = 0
                    if store is not None and frame["type"] == "envelope":
                        await asyncio.to_thread(store, frame)
                        # A lost ack brings the envelope again, and that one is acknowledged.
                        with contextlib.suppress(ConnectionClosed):
                            await socket.acknowledge([frame["envelope_id"]])
                    yield frame
            code = socket.close_code
            reason = f"closed with code {code}"
        except SocketRefused as refusal:
            code = REVOKED if refusal.status in _TOKEN_REFUSED else None
            reason = str(refusal)
        except (OSError, InvalidHandshake, httpx.TransportError) as error:
            reason = f"not connected: {error}"
        except ApiProblem as problem:
            if problem.status < _SERVER_ERROR and problem.status != _TOO_MANY_REQUESTS:
                raise
            reason = str(problem)
        seconds = None if code == REPLACED else wait_before_retry(attempt, jitter)
        if closed is not None:
            closed(reason, seconds)
        if seconds is None:
            return
        # The server's last word on the token stands until a new one was had.
        renew = renew or code in (REVOKED, TOKEN_EXPIRED)
        attempt += 1
        await asyncio.sleep(seconds)
