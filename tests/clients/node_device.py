"""The device of clients/node as a test runs it: a process for each command, a state file."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from semafore.local.servers import ROOT

Event = dict[str, Any]
SOURCES = ROOT / "clients" / "node"
PATIENCE = 180


def installed(folder: Path) -> Path:
    """A copy of the device with the packages of its lock file; skips where Node is missing."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        message = f"no {' and no '.join(missing)} found: install nodejs and npm"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    client = folder / "client"
    shutil.copytree(SOURCES, client, ignore=shutil.ignore_patterns("node_modules"))
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=client, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return client


def of(events: list[Event], name: str) -> list[Event]:
    """The events of one name."""
    return [one for one in events if one["event"] == name]


def texts(events: list[Event]) -> list[str]:
    """What was said."""
    return [one["text"] for one in of(events, "message")]


def code_in(outbox: Path, phone: str, after: int) -> str:
    """The code that comes to a number, the outbox's first lines apart."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        lines = outbox.read_text("utf-8").splitlines()[after:] if outbox.exists() else []
        for line in map(json.loads, lines):
            if line["to"] == phone:
                return str(line["text"])[:6]
        time.sleep(0.05)
    raise AssertionError("no code came")


class Watching:
    """A device that holds its socket."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.events: list[Event] = []

    def until(self, name: str, **fields: Any) -> Event:
        """The next event of this name with these fields, which must come."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event: Event = json.loads(line)
            self.events.append(event)
            if event["event"] == name and fields.items() <= event.items():
                return event
        raise AssertionError(self.events)

    def until_all(self, *wanted: Event) -> None:
        """Events with these fields, which must come, in whichever order."""
        left = list(wanted)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event: Event = json.loads(line)
            self.events.append(event)
            left = [one for one in left if not one.items() <= event.items()]
            if not left:
                return
        raise AssertionError((left, self.events))

    def frames(self) -> list[str]:
        """The types of the frames so far."""
        return [one["type"] for one in of(self.events, "frame")]


class Node:
    """A state file and the commands on it."""

    def __init__(self, client: Path, state: Path) -> None:
        self.client = client
        self.state_file = state
        self.trace = ""

    @contextlib.contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A command that runs in the block, and is killed at its end."""
        pipe = subprocess.PIPE
        command = ["node", str(self.client / "device.mjs"), "--state", str(self.state_file)]
        with subprocess.Popen(
            [*command, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def __call__(self, *arguments: str, code: int = 0) -> list[Event]:
        """What a command tells, which must end with `code`."""
        with self.running(*arguments) as process:
            out, self.trace = process.communicate(timeout=PATIENCE)
        assert process.returncode == code, out + self.trace
        return [json.loads(line) for line in out.splitlines()]

    @contextlib.contextmanager
    def watching(self) -> Iterator[Watching]:
        """Holds the socket in the block; what came is acknowledged at its end."""
        with self.running("watch") as process:
            watching = Watching(process)
            watching.until("frame", type="hello")
            yield watching
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=PATIENCE)

    @property
    def state(self) -> dict[str, Any]:
        """What is on disk."""
        read: dict[str, Any] = json.loads(self.state_file.read_text("utf-8"))
        return read

    def change(self, state: dict[str, Any]) -> None:
        """Put something else there."""
        self.state_file.write_text(json.dumps(state), "utf-8")

    def enrol(
        self, link: str, *, phone: str, outbox: Path, approve: Callable[[str, str], None]
    ) -> str:
        """Invitation, code, keys, fingerprint, approval. Answers the device's id."""
        before = len(outbox.read_text("utf-8").splitlines()) if outbox.exists() else 0
        with self.running("enrol", link, "--no-wait") as process:
            code = code_in(outbox, phone, before)
            out, errors = process.communicate(code + "\n", timeout=PATIENCE)
        assert process.returncode == 0, out + errors
        shown = json.loads(out.splitlines()[-1])
        assert shown["event"] == "fingerprint"
        assert re.fullmatch(r"(\d{5} ){11}\d{5}", shown["fingerprint"])
        assert self("rooms", code=1)[-1]["code"] == "awaiting_approval"
        approve(shown["device_id"], shown["fingerprint"])
        assert self("enrol")[-1] == {"event": "ready", "device_id": shown["device_id"]}
        return str(shown["device_id"])
