"""What the demo's story is made of. Days are counted back from the first start."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from invitations.models import Channel, State
from keys.models import Platform
from orgs.models import MembershipStatus, Role


class Habit(StrEnum):
    """How a device of the demo lives."""

    LIVELY = "lively"
    """Connected, claims, rotates, refills."""

    QUIET = "quiet"
    """Came in, and is off."""

    LOW = "low"
    """Off, and others have claimed nearly all of its one-time pre-keys."""

    FORGOTTEN = "forgotten"
    """Off for weeks: its signed pre-key has expired, so a claim answers 428."""

    PENDING = "pending"
    """Enrolled and waiting for an administrator."""

    DENIED = "denied"
    """Enrolled, and not let in."""


@dataclass(frozen=True, slots=True)
class DeviceStory:
    """One device; its name is what `bin/device --as` takes."""

    name: str
    platform: Platform = Platform.IOS
    habit: Habit = Habit.LIVELY
    lost: int | None = None
    """Revoked as lost, so many days ago."""
    linked: int | None = None
    """Came in so many days ago, let in by the person's first device; otherwise with the person."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A membership was suspended or ended."""

    day: int
    to: MembershipStatus
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonStory:
    """One person. With an email, somebody who signs in at the console.

    Who has email and phone was there from the founding; email alone came by a mailed link, a phone
    alone by an invitation with a device.
    """

    name: str
    unit: str
    joined: int
    phone: str = ""
    email: str = ""
    role: Role = Role.MEMBER
    devices: tuple[DeviceStory, ...] = ()
    guest: bool = False
    """Comes by the invitation of an external room, opened before."""
    turn: Turn | None = None


@dataclass(frozen=True, slots=True)
class PilotStory:
    """Somebody of the pilot, without a device; came and left so many days ago."""

    name: str
    unit: str
    joined: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationStory:
    """An invitation that didn't lead to a member (yet)."""

    name: str
    unit: str
    day: int
    phone: str = ""
    email: str = ""
    channel: Channel = Channel.SMS
    role: Role = Role.MEMBER
    arrives: bool = True
    becomes: State = State.ISSUED
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NewNumber:
    """A member asked for another number, proved it, and waits for approval."""

    person: str
    phone: str
    day: int


@dataclass(frozen=True, slots=True)
class ServiceTokenStory:
    """A program that may read the audit log."""

    name: str
    day: int


@dataclass(frozen=True, slots=True)
class RoomStory:
    """A room of the organisation's own, opened by the first of its people; a thread has a parent.

    Without a name it is the direct room of two.
    """

    name: str
    people: tuple[str, ...]
    day: int
    parent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalRoomStory:
    """A room with people of another company, asked for by the first of its own people."""

    name: str
    purpose: str
    party: str
    people: tuple[str, ...]
    guests: tuple[tuple[str, str], ...]
    """Names and phone numbers."""
    day: int
    days: int
    """So long it is to be open."""
    approved: bool = True
    closed: int | None = None
    """Closed by the owner, so many days ago."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BroadcastStory:
    """An administrator's word to everybody."""

    person: str
    text: str
    day: int


@dataclass(frozen=True, slots=True)
class ScreenshotStory:
    """Somebody's device reported that a screenshot was taken in a room."""

    person: str
    room: str
    day: int


@dataclass(frozen=True, slots=True)
class SearchStory:
    """A search of the audit log that somebody keeps for all its readers."""

    person: str
    name: str
    filters: Mapping[str, str]
    day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStory:
    """A hold on a room, placed by one person and lifted by two."""

    auditor: str
    room: str
    reason: str
    reference: str
    day: int
    lifted: int
    """So many days ago."""
    outcome: str


@dataclass(frozen=True, slots=True)
class ReportStory:
    """A communication graph of a room, asked for by the owner."""

    room: str
    reason: str
    day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationStory:
    """One organisation; the first person founded it."""

    name: str
    slug: str
    people: tuple[PersonStory, ...]
    newcomers: str
    """The beginning of the phone numbers of people yet to come; two digits follow."""
    pilot: tuple[PilotStory, ...] = ()
    invitations: tuple[InvitationStory, ...] = ()
    new_numbers: tuple[NewNumber, ...] = ()
    service_tokens: tuple[ServiceTokenStory, ...] = ()
    rooms: tuple[RoomStory, ...] = ()
    external_rooms: tuple[ExternalRoomStory, ...] = ()
    broadcasts: tuple[BroadcastStory, ...] = ()
    screenshots: tuple[ScreenshotStory, ...] = ()
    searches: tuple[SearchStory, ...] = ()
    cases: tuple[CaseStory, ...] = ()
    reports: tuple[ReportStory, ...] = ()
    managed: int | None = None
    """Since when it wants something of the app, in days."""
