"""What the cast said, counted while it was said: reports are compared with that."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.conf import settings

from keys.models import RevocationReason, SignedPreKey
from keys.services.revocation import revoke_device
from messaging.models import Room
from orgs.models import Membership, Organisation, Role
from semafore.kernel import clock
from tests import cast
from tests.cast import Phone, inside, phone
from tests.messaging import talk
from tests.messaging.pages import affairs
from tests.messaging.post import ack, mailbox, say

Pair = tuple[str, str]


@dataclass
class Sent:
    """A message or a broadcast: by whom, and to which phones that were not lost since."""

    sender: Phone
    room: Room | None
    to: list[Phone] = field(default_factory=list)


@dataclass
class Said:
    """Acme: members with several devices, a guest, three rooms, and everything that was sent."""

    acme: Organisation
    people: dict[str, Membership] = field(default_factory=dict)
    phones: dict[str, list[Phone]] = field(default_factory=dict)
    rooms: dict[str, Room] = field(default_factory=dict)
    inside: dict[UUID, list[str]] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)

    def others(self, sender: Phone, names: Sequence[str]) -> list[Phone]:
        """Every device of these people but the sending one."""
        return [one for name in names for one in self.phones[name] if one is not sender]

    def say(self, name: str, room: str, *, by: int = 0, without: Sequence[Phone] = ()) -> Sent:
        """One message of somebody's device in a room, by the service."""
        sender, place = self.phones[name][by], self.rooms[room]
        to = [one for one in self.others(sender, self.inside[place.id]) if one not in without]
        say(sender, place, to, b"ciphertext")
        self.sent.append(Sent(sender, place, to))
        return self.sent[-1]

    def broadcast(self, name: str, *parts: Sequence[Phone]) -> Sent:
        """A broadcast in parts."""
        sender = self.phones[name][0]
        broadcast = sender.api._send("POST", "broadcasts")["id"]
        for part in parts:
            body = talk.message(part)
            sender.api._send("POST", f"broadcasts/{broadcast}/envelopes", body)
        sender.api._send("POST", f"broadcasts/{broadcast}/finish")
        self.sent.append(Sent(sender, None, [one for part in parts for one in part]))
        return self.sent[-1]

    def hear(self, one: Phone) -> None:
        """Take and acknowledge all that waits for the device."""
        ack(one, [found["envelope_id"] for found in mailbox(one)["envelopes"]])

    def lose(self, name: str, number: int) -> None:
        """Revoke a device: what waits for it is gone, and reached nobody by it."""
        lost = self.phones[name][number]
        waiting = {one["message_id"] for one in mailbox(lost)["envelopes"]}
        assert waiting
        with inside(self.acme):
            revoke_device(device_id=lost.id, reason=RevocationReason.LOST)
        for message in self.sent:
            message.to = [one for one in message.to if one is not lost]

    def counted(self, *, room: str = "", broadcasts: bool = True) -> dict[Pair, int]:
        """Messages from whom to whom, by their names: each once for each person."""
        owner = {one.id: name for name, phones in self.phones.items() for one in phones}
        found: dict[Pair, int] = defaultdict(int)
        for message in self.sent:
            if room and message.room != self.rooms[room]:
                continue
            if message.room is None and not broadcasts:
                continue
            sender = owner[message.sender.id]
            for recipient in {owner[one.id] for one in message.to} - {sender}:
                found[sender, recipient] += 1
        return dict(found)


def acme_talks(of: Organisation, alice: Membership, bob: Membership) -> Said:
    """Rooms of two, of some, with a guest; several devices; one that is left out, one lost."""
    said = Said(of, {"Alice": alice, "Bob": bob})
    said.people["Dana"] = cast.member(of, "Dana", Role.ADMIN)
    said.people["Erin"] = cast.member(of, "Erin")
    company = affairs.party(of, "Initech")
    said.people["Gus"] = affairs.guest(of, "Gus", bob, company)
    for name, person in said.people.items():
        said.phones[name] = [phone(person)]
    said.phones["Alice"].append(phone(alice, name="Tablet"))
    said.phones["Bob"] += [phone(bob, name="Tablet"), phone(bob, name="Old phone")]
    said.phones["Erin"].append(phone(said.people["Erin"], name="Tablet"))

    people = said.people
    said.rooms["ward"] = talk.group(of, alice, bob, people["Dana"])
    said.rooms["supplier"] = affairs.external(of, bob, people["Gus"], alice, company=company)
    said.rooms["pair"] = affairs.direct(of, bob, people["Dana"])
    said.inside = {
        said.rooms["ward"].id: ["Alice", "Bob", "Dana"],
        said.rooms["supplier"].id: ["Bob", "Gus", "Alice"],
        said.rooms["pair"].id: ["Bob", "Dana"],
    }
    _talk(said)
    return said


def _talk(said: Said) -> None:
    bobs, danas = said.phones["Bob"], said.phones["Dana"]
    for _ in range(3):
        said.say("Alice", "ward")
    said.say("Bob", "ward", by=1)
    said.say("Bob", "pair", by=1)
    said.say("Dana", "pair")
    said.say("Gus", "supplier")
    said.say("Bob", "supplier", by=1)
    said.hear(bobs[0])
    said.hear(danas[0])
    # Erin's two devices get their parts of one broadcast; Bob gets one part of two.
    said.broadcast("Alice", [bobs[0], said.phones["Erin"][0]], [said.phones["Erin"][1]])
    said.hear(said.phones["Erin"][0])
    _expire_keys(said.acme, danas[0])
    said.say("Bob", "pair", by=1, without=danas)
    said.say("Alice", "ward", without=danas)
    # All that he missed by this one he has by the others.
    said.lose("Bob", 2)


def _expire_keys(of: Organisation, one: Phone) -> None:
    """The device can be left out from now on."""
    with inside(of):
        SignedPreKey.objects.filter(device_id=one.id).update(
            uploaded_at=clock.now() - settings.SPK_MAX_AGE - timedelta(minutes=1)
        )
