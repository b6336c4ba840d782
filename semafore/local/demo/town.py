"""An organisation while its history is told: who and what has come into it so far."""

from dataclasses import dataclass, field
from uuid import UUID

from keys.models import Device
from keys.selectors.credentials import credential_of
from orgs.models import Membership, Role
from semafore.kernel.actor import Actor, ActorKind
from semafore.local.client.keys import DeviceKeys
from semafore.local.demo.characters import DeviceStory, OrganisationStory

USER_AGENT = "SemaFore/1.0.0 (demo)"
# Of the range that is kept for documentation.
PHONE = Actor(kind=ActorKind.ANONYMOUS, address="192.0.2.17", user_agent=USER_AGENT)


@dataclass(slots=True)
class LoadedDevice:
    """A device of the demo with its private keys."""

    story: DeviceStory
    device: Device
    keys: DeviceKeys

    @property
    def state_file(self) -> str:
        """Where the keys lie, relative to the local folder."""
        return f"devices/{self.story.name}.json"

    @property
    def actor(self) -> Actor:
        """The device at work."""
        return credential_of(self.device).actor(PHONE)


@dataclass(slots=True)
class Town:
    """The members by name, and their devices."""

    story: OrganisationStory
    members: dict[str, Membership] = field(default_factory=dict)
    devices: list[LoadedDevice] = field(default_factory=list)
    rooms: dict[str, UUID] = field(default_factory=dict)
    """The open ones."""

    @property
    def owner(self) -> Actor:
        """The founder at work."""
        return self.actor(self.story.people[0].name)

    def actor(self, name: str) -> Actor:
        """Somebody of the organisation at work."""
        return member_actor(self.members[name])

    def administrator(self, day: int) -> Actor:
        """Whoever of the administrators is on duty that day."""
        staff = [one for one in self.members.values() if one.role in (Role.OWNER, Role.ADMIN)]
        return member_actor(staff[day % len(staff)])

    def device_of(self, name: str) -> LoadedDevice:
        """The first device of somebody."""
        member_id = self.members[name].id
        return next(one for one in self.devices if one.device.membership_id == member_id)

    def device(self, name: str) -> LoadedDevice:
        """The device of this name."""
        return next(one for one in self.devices if one.story.name == name)


def member_actor(person: Membership) -> Actor:
    """A member at the console."""
    return Actor(kind=ActorKind.MEMBER, id=person.id, label=person.name, membership_id=person.id)
