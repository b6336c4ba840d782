"""Real clients that send, claim and listen all the time, and what went wrong for them."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any, Self, TypeVar
from uuid import uuid4

import httpx

from semafore.local.client.api import ApiProblem, DeviceClient
from semafore.local.client.conversations import Messenger
from semafore.local.client.keyfile import HeldKeys
from semafore.local.client.socket import stay_connected
from tests.deploy.people import Holder, People
from tests.deploy.production import PATIENCE, Production, wait_for

# The load's own pace, in seconds.
SEND_EVERY = 0.15
CLAIM_EVERY = 0.3
SERVER_ERROR = 500
T = TypeVar("T")


def until_answered(act: Callable[[], T]) -> T:
    """Again and again while nobody answers or with 5xx, as a device does: the act bears an id."""
    while True:
        try:
            return act()
        except httpx.TransportError:
            pass
        except ApiProblem as problem:
            if problem.status < SERVER_ERROR:
                raise
        time.sleep(0.1)


class Watched(httpx.BaseTransport):
    """A client's connection that counts what went wrong: transport errors and answers of 5xx."""

    def __init__(self, inner: httpx.BaseTransport, failures: Counter[str]) -> None:
        self._inner = inner
        self._failures = failures

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            response = self._inner.handle_request(request)
        except httpx.TransportError as error:
            self._failures[f"{request.method} {type(error).__name__}"] += 1
            raise
        if response.status_code >= SERVER_ERROR:
            self._failures[f"{request.method} {response.status_code}"] += 1
        return response

    def close(self) -> None:
        self._inner.close()


class Client:
    """One device: it may send or claim from one thread, while it listens in another."""

    def __init__(self, production: Production, holder: Holder, failures: Counter[str]) -> None:
        self.production = production
        self.id = holder.device_id
        self.keys = holder.file.load()
        # A client is for one thread.
        self.sending, self.claiming, self.listening = (
            self._api(holder, failures) for _ in range(3)
        )
        memory = HeldKeys(self.keys)
        self.messenger = Messenger(self.sending, memory)
        self.hearing = Messenger(self.listening, memory)
        self.heard: list[str] = []
        """The ids of the messages, each once."""
        self.envelopes: Counter[str] = Counter()
        """How often each envelope came."""
        self.of_message: dict[str, set[str]] = {}
        self.closed: Counter[str] = Counter()
        self.open = asyncio.Event()

    def _api(self, holder: Holder, failures: Counter[str]) -> DeviceClient:
        return DeviceClient(
            base_url=self.production.base_url,
            device_id=holder.device_id,
            organisation_id=holder.organisation_id,
            keys=self.keys,
            transport=Watched(self.production.transport(), failures),
        )

    def _store(self, envelope: dict[str, Any]) -> None:
        self.envelopes[envelope["envelope_id"]] += 1
        self.of_message.setdefault(envelope["message_id"], set()).add(envelope["envelope_id"])
        if self.hearing.receive(envelope) is not None:
            self.heard.append(envelope["message_id"])

    async def listen(self) -> None:
        """Hold the socket until cancelled; what comes is stored and acknowledged."""
        frames = stay_connected(
            self.production.events_url,
            lambda renew: self.listening.token(renew=renew),
            store=self._store,
            closed=lambda why, _seconds: self.closed.update([why]),
            # The wait after a lost socket, as short as it may be.
            jitter=lambda shortest, _longest: shortest / 5,
        )
        async with aclosing(frames):
            async for frame in frames:
                if frame["type"] == "mailbox.drained":
                    self.open.set()


class Load:
    """In a `with` block: two devices send and claim, all four of the room listen."""

    SENDERS = ("Alice", "Bob")

    def __init__(self, production: Production, people: People) -> None:
        self.people = people
        self.failures: Counter[str] = Counter()
        self.clients = {
            name: Client(production, holder, self.failures)
            for name, holder in people.holders.items()
        }
        self.sent: dict[str, list[str]] = {name: [] for name in self.SENDERS}
        self.claimed: dict[str, int | None] = {}
        self.slowest = 0.0
        self.errors: list[BaseException] = []
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=2 * len(self.SENDERS))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        self._sockets = [
            asyncio.run_coroutine_threadsafe(client.listen(), self._loop)
            for client in self.clients.values()
        ]
        wait_for(
            lambda: all(client.open.is_set() for client in self.clients.values()),
            lambda: {name: client.closed for name, client in self.clients.items()},
        )
        self._running = [
            self._pool.submit(self._until_stopped, act, name)
            for name in self.SENDERS
            for act in (self._send, self._claim)
        ]
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.shutdown()
        for socket in self._sockets:
            socket.cancel()
        asyncio.run_coroutine_threadsafe(self._others_end(), self._loop).result(timeout=PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        for client in self.clients.values():
            for api in (client.sending, client.claiming, client.listening):
                api.close()

    async def _others_end(self) -> None:
        """A loop that is closed under a socket leaves it to a later test's warnings."""
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)
        await self._loop.shutdown_default_executor()

    def _until_stopped(self, act: Callable[[str], None], name: str) -> None:
        try:
            while not self._stop.is_set():
                began = time.monotonic()
                act(name)
                self.slowest = max(self.slowest, time.monotonic() - began)
        except BaseException as error:
            self.errors.append(error)
            raise

    def _send(self, name: str) -> None:
        message_id = uuid4()
        send = self.clients[name].messenger.send
        until_answered(lambda: send(self.people.room_id, "Hello", message_id=message_id))
        self.sent[name].append(str(message_id))
        time.sleep(SEND_EVERY)

    def _claim(self, name: str) -> None:
        key, target = str(uuid4()), self.people.holders["Erin"].device_id
        claim = self.clients[name].claiming.claim
        bundle = until_answered(lambda: claim(target, idempotency_key=key))
        one_time = bundle["one_time_pre_key"]
        self.claimed[key] = one_time and one_time["key_id"]
        time.sleep(CLAIM_EVERY)

    def goes_on(self, more: int = 9) -> None:
        """Returns when so many more messages were accepted and as many claims answered."""
        sent, claimed = self._count(), len(self.claimed)
        wait_for(
            lambda: (
                bool(self.errors)
                or (self._count() >= sent + more and len(self.claimed) >= claimed + more // 3)
            ),
            lambda: (self.failures, self.slowest),
        )
        assert not self.errors, self.errors

    def _count(self) -> int:
        return sum(map(len, self.sent.values()))

    def drained(self) -> None:
        """Stop sending; returns when every message has reached every other device of the room."""
        self._stop.set()
        for one in self._running:
            one.result(timeout=PATIENCE)
        members = [name for name in self.people.holders if name != "Charlie"]

        def missing() -> dict[str, int]:
            return {name: len(self.due(name) - set(self.clients[name].heard)) for name in members}

        wait_for(lambda: not any(missing().values()), missing)

    def due(self, name: str) -> set[str]:
        """The messages that this member is to hear."""
        return {one for sender, ids in self.sent.items() if sender != name for one in ids}
