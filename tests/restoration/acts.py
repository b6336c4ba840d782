"""What is done in the hour that is lost: in a process of the deployment, as its own server would.

`python -m tests.restoration.acts begin FOLDER` founds the organisation, `hour SLUG` acts and prints
what it did, `copies SLUG FOLDER FROM` writes down the events as a SIEM and an export have them.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "semafore.settings")


def begin(folder: Path) -> None:
    """Acme and its people; the keys of their devices lie in the folder, by the devices' names."""
    from orgs.models import Role
    from semafore.local.client.keyfile import KeyFile
    from tests import cast
    from tests.messaging import talk

    acme = cast.organisation("Acme")
    people = {
        name: cast.member(acme, name.capitalize(), Role.OWNER if name == "alice" else Role.MEMBER)
        for name in ("alice", "bob", "eve", "mallory", "dave", "erin")
    }
    devices = {name: cast.phone(people[name], name=name) for name in ("alice", "bob", "eve")}
    talk.group(acme, people["alice"], people["bob"])
    described: dict[str, Any] = {"slug": acme.slug, "organisation": str(acme.id), "devices": {}}
    for name, phone in devices.items():
        KeyFile(folder / name).save(phone.keys)
        described["devices"][name] = str(phone.id)
    (folder / "acme.json").write_text(json.dumps(described))


def hour(slug: str) -> dict[str, str]:
    """A member ends, another is suspended, a device is revoked, a hold placed, a room closed."""
    from django.db import transaction

    from audit.services.retention.holds import place_hold
    from keys.models import Device, RevocationReason
    from keys.services.revocation import revoke_device
    from messaging.models import Room
    from messaging.services.ends import end_room
    from orgs.models import Membership, Organisation
    from orgs.services.memberships import end_membership, membership_ref, suspend_membership
    from orgs.services.organisations import create_organisation
    from semafore.kernel.actor import SYSTEM, acting_as
    from semafore.kernel.tenancy import lock_organisation, organisation_scope

    organisation = Organisation.objects.get(slug=slug)
    with acting_as(SYSTEM), organisation_scope(organisation.id):
        ended, suspended, held = (
            Membership.objects.get(name=name) for name in ("Mallory", "Dave", "Erin")
        )
        end_membership(membership_id=ended.id, reason="Left in a hurry")
        suspend_membership(membership_id=suspended.id, reason="Under suspicion")
        hold = place_hold(
            person=membership_ref(held),
            room=None,
            from_at=None,
            until_at=None,
            reason="Litigation",
            case_reference="HC-1",
        )
        device = Device.objects.get(name="eve")
        revoke_device(device_id=device.id, reason=RevocationReason.LOST)
        room = Room.objects.get()
        with transaction.atomic():
            lock_organisation()
            end_room(room, reason="Done with")
        founded = create_organisation(name="Founded and lost", slug="founded-and-lost")
    return {
        "ended": str(ended.id),
        "suspended": str(suspended.id),
        "hold": str(hold.id),
        "device": str(device.id),
        "room": str(room.id),
        "founded": founded.log_id,
    }


def copies(slug: str, folder: Path, first: int) -> None:
    """The organisation's events from a place on, in each format that `after_restore` reads."""
    from audit.exports import json_lines
    from audit.exports.rows import ExportedEvent
    from audit.models import Event, IndexedEvent
    from audit.selectors.outgoing import outgoing
    from audit.siem import hec, ocsf, syslog
    from audit.siem.fields import fields_of
    from orgs.models import Organisation
    from semafore.kernel.tenancy import organisation_scope

    organisation = Organisation.objects.get(slug=slug)
    with organisation_scope(organisation.id):
        rows = list(IndexedEvent.objects.filter(seq__gte=first).order_by("seq"))
        sent = outgoing(rows)
        for name, encode in (
            ("ocsf", ocsf.encode),
            ("hec", hec.encode),
            ("rfc5424", syslog.encode),
        ):
            lines = b"".join(encode(fields_of(one)) + b"\n" for one in sent)
            (folder / name).write_bytes(lines)
        events = Event.objects.in_bulk([one.event_id for one in sent])
        exported = [
            ExportedEvent(
                one.seq,
                one.event_id,
                one.event_class,
                one.leaf,
                bytes(events[one.event_id].who or b"null"),
                bytes(events[one.event_id].what or b"null"),
            )
            for one in sent
        ]
        (folder / "export").write_bytes(json_lines.encoded(exported))


def reads(slug: str) -> dict[str, int]:
    """A page of the explorer and the counts: their newest place, and statements on the replica."""
    from django.db import connections

    from audit.selectors.events import EventFilter
    from audit.selectors.reading import Reader
    from audit.services.counting import count_events
    from audit.services.reading import search_events
    from orgs.models import Organisation
    from orgs.roles import permissions_of
    from semafore.kernel.actor import SYSTEM, acting_as
    from semafore.kernel.tenancy import organisation_scope

    asked = 0

    def counted(execute: Any, *arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        return execute(*arguments)

    organisation = Organisation.objects.get(slug=slug)
    reader = Reader(permissions_of("member", "owner"))
    with (
        acting_as(SYSTEM),
        organisation_scope(organisation.id),
        connections["replica"].execute_wrapper(counted),
    ):
        found = search_events(reader=reader, chosen=EventFilter(), cursor=None)
        counts = count_events(reader=reader, chosen=EventFilter(), by="action")
    return {"newest": found.lines[0].row.seq, "counted": counts.seen, "asked": asked}


def main() -> None:
    """Do what the command line says."""
    django.setup()
    match sys.argv[1:]:
        case ["begin", folder]:
            begin(Path(folder))
        case ["hour", slug]:
            print(json.dumps(hour(slug)))  # noqa: T201 - its answer
        case ["reads", slug]:
            print(json.dumps(reads(slug)))  # noqa: T201 - its answer
        case ["copies", slug, folder, first]:
            copies(slug, Path(folder), int(first))


if __name__ == "__main__":
    main()
