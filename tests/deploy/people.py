"""Who is there in a test of a deployment: made by the server's own services, told to the test.

`python -m tests.deploy.people FOLDER` writes `people.json`; the test, another process, reads it.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import django
from django.conf import settings

from semafore.local.client.keyfile import KeyFile

MEMBERS = ("Alice", "Bob", "Dora", "Erin")


@dataclass(frozen=True)
class Holder:
    """A device and where its keys lie."""

    name: str
    device_id: UUID
    organisation_id: UUID
    file: KeyFile


@dataclass(frozen=True)
class People:
    """Acme's four members in one room, and Charlie of Globex."""

    slug: str
    room_id: UUID
    owner: dict[str, str]
    """Alice's email, password and the key of her second factor, in hexadecimal digits."""
    holders: dict[str, Holder]

    @classmethod
    def load(cls, folder: Path) -> "People":
        """Read what `make` wrote."""
        told = json.loads((folder / "people.json").read_text(encoding="utf-8"))
        return cls(
            slug=told["slug"],
            room_id=UUID(told["room_id"]),
            owner=told["owner"],
            holders={
                name: Holder(
                    name,
                    UUID(one["device_id"]),
                    UUID(one["organisation_id"]),
                    KeyFile(folder / f"{name}.json"),
                )
                for name, one in told["devices"].items()
            },
        )


def make(folder: Path) -> None:
    """In the database that the settings name."""
    from orgs.models import Role
    from tests import cast
    from tests.messaging.talk import group
    from tests.orgs.sign_in.people import PASSWORD, person

    acme, globex = cast.organisation("Acme"), cast.organisation("Globex")
    members = [
        cast.member(acme, name, Role.OWNER if name == "Alice" else Role.MEMBER) for name in MEMBERS
    ]
    charlie = cast.member(globex, "Charlie", Role.OWNER)
    room = group(acme, *members)
    alice = person(members[0])
    devices: dict[str, Any] = {}
    for member in (*members, charlie):
        phone = cast.phone(member, one_time_pre_keys=100)
        KeyFile(folder / f"{member.name}.json").save(phone.keys)
        devices[member.name] = {
            "device_id": str(phone.id),
            "organisation_id": str(member.organisation_id),
        }
    told = {
        "slug": acme.slug,
        "room_id": str(room.id),
        "owner": {"email": alice.email, "password": PASSWORD, "key": alice.key.hex()},
        "devices": devices,
    }
    (folder / "people.json").write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    django.setup()
    assert settings.DEBUG is False
    make(Path(sys.argv[1]))
