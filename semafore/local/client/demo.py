"""The devices of the demo, as `.local/demo.json` lists them to programs."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from semafore.local.client.api import Trace
from semafore.local.client.device import Device

DEMO_FILE = Path(__file__).resolve().parents[3] / ".local" / "demo.json"


class DemoError(Exception):
    """The demo can't be used as asked; the message says what to do."""


@dataclass(frozen=True, slots=True)
class DemoDevice:
    """One device of the demo and where its keys lie."""

    name: str
    organisation: str
    member: str
    device_id: UUID
    organisation_id: UUID
    state_file: Path
    guest: bool = False

    @classmethod
    def from_json(cls, entry: dict[str, Any], folder: Path) -> Self:
        """Read an entry of `devices[]`; its state file is relative to `folder`."""
        return cls(
            name=entry["name"],
            organisation=entry["organisation"],
            member=entry["member"],
            device_id=UUID(entry["device_id"]),
            organisation_id=UUID(entry["organisation_id"]),
            state_file=folder / entry["state_file"],
            guest=entry["guest"],
        )

    def answers_to(self, wanted: str) -> bool:
        """Whether this is the device meant by a name, `organisation/name` or device id."""
        spellings = (self.name, f"{self.organisation}/{self.name}", str(self.device_id))
        return wanted.casefold() in (spelling.casefold() for spelling in spellings)


@dataclass(frozen=True, slots=True)
class DemoInvitation:
    """An invitation that nobody has used yet."""

    organisation: str
    name: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo on this machine: where its server is, its devices, and how more come in."""

    base_url: str
    events_url: str
    sms_outbox: Path
    slugs: Mapping[UUID, str]
    devices: tuple[DemoDevice, ...]
    invitations: tuple[DemoInvitation, ...]
    file: Path

    @classmethod
    def load(cls, file: Path = DEMO_FILE) -> Self:
        """Read the demo's file; raises DemoError when there is none or it is something else."""
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            return cls(
                base_url=content["base_url"],
                events_url=content["events_url"],
                sms_outbox=Path(content["sms_outbox"]),
                slugs={UUID(one["id"]): one["slug"] for one in content["organisations"]},
                devices=tuple(
                    DemoDevice.from_json(entry, file.parent) for entry in content["devices"]
                ),
                invitations=tuple(
                    DemoInvitation(entry["organisation"], entry["name"], entry["token"])
                    for entry in content["invitations"]
                ),
                file=file,
            )
        except FileNotFoundError as error:
            raise DemoError("There is no demo here yet. Start one with: bin/run") from error
        except OSError as error:
            raise DemoError(f"The list of the demo's devices can't be read: {error}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise DemoError(
                f"{file} is not a list of demo devices ({error!r}). Start afresh with: bin/run"
            ) from error

    def find(self, wanted: str) -> DemoDevice:
        """Return the device of that name or id; raises DemoError naming those there are."""
        found = [device for device in self.devices if device.answers_to(wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            choices = ", ".join(f"{device.organisation}/{device.name}" for device in found)
            raise DemoError(f"{wanted!r} could be any of: {choices}")
        names = ", ".join(device.name for device in self.devices) or "none"
        raise DemoError(f"No device of the demo is called {wanted!r}. There are: {names}")

    def add(self, entry: DemoDevice, token: str) -> None:
        """Write a device that enrolled into the demo's file, so that `--as` finds it.

        The invitation it came by is used up.
        """
        content = json.loads(self.file.read_text(encoding="utf-8"))
        content["devices"].append(
            {
                "name": entry.name,
                "organisation": entry.organisation,
                "organisation_id": str(entry.organisation_id),
                "member": entry.member,
                "device_id": str(entry.device_id),
                "status": "pending",
                "guest": entry.guest,
                "state_file": str(entry.state_file.relative_to(self.file.parent)),
            }
        )
        content["invitations"] = [one for one in content["invitations"] if one["token"] != token]
        fresh = self.file.with_name(f"{self.file.name}.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        fresh.replace(self.file)

    def open(self, entry: DemoDevice, trace: Trace | None = None) -> Device:
        """Return the device itself; raises KeyFileError when its keys can't be read."""
        return Device.open(
            base_url=self.base_url,
            device_id=entry.device_id,
            organisation_id=entry.organisation_id,
            state_file=entry.state_file,
            trace=trace,
        )
