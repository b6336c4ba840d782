"""The state file of a device: its private keys, for one process at a time, never half written."""

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Protocol

from semafore.local.client.keys import DeviceKeys


class KeyFileError(Exception):
    """The state file can't be used; the message says which and why."""


class Memory(Protocol):
    """Where a device's keys are, for one at a time; both classes below are one."""

    def locked(self) -> contextlib.AbstractContextManager[DeviceKeys]:
        """Load the keys for a change."""

    def save(self, keys: DeviceKeys) -> None:
        """Keep the change."""


class HeldKeys:
    """Keys in memory in a file's stead, for whoever needs them no longer than the process lives."""

    def __init__(self, keys: DeviceKeys) -> None:
        """These keys; each change shows in them at once."""
        self._keys = keys
        self._lock = Lock()

    def save(self, keys: DeviceKeys) -> None:
        """Nothing to do: there are no others than those that were changed."""

    @contextlib.contextmanager
    def locked(self) -> Iterator[DeviceKeys]:
        """The keys, for one thread at a time. Not reentrant."""
        with self._lock:
            yield self._keys


class KeyFile:
    """One device's keys in one JSON file that only its owner may read (mode 0600)."""

    def __init__(self, path: Path | str) -> None:
        """Nothing is read or written yet."""
        self.path = Path(path)

    def load(self) -> DeviceKeys:
        """Return the keys as last saved; raises KeyFileError when they can't be read."""
        try:
            return DeviceKeys.from_json(json.loads(self.path.read_text(encoding="utf-8")))
        except OSError as error:
            raise KeyFileError(f"can't read the device's keys: {error}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise KeyFileError(f"{self.path} holds no device's keys: {error!r}") from error

    def save(self, keys: DeviceKeys) -> None:
        """Write the keys at once or not at all; on return they survive a power cut."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp makes files with mode 0600, whatever the umask.
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(keys.to_json(), file)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def wipe(self) -> None:
        """Delete the keys: what the server asks of a device that was revoked with `wipe`."""
        self.path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[DeviceKeys]:
        """Load the keys for a change; other processes and threads wait. The caller saves.

        Held across the upload too: batches must reach the server in the order of their key ids.
        Not reentrant.
        """
        # Beside the file, because each save puts another file in its place.
        lock = self.path.with_name(f"{self.path.name}.lock")
        lock.parent.mkdir(parents=True, exist_ok=True)
        with lock.open("w", encoding="utf-8") as held:
            lock.chmod(0o600)
            fcntl.flock(held, fcntl.LOCK_EX)
            yield self.load()
