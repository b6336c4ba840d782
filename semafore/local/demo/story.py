"""Who is in the demo."""

from dataclasses import dataclass
from enum import StrEnum

from keys.models import Platform
from orgs.models import Role


class Habit(StrEnum):
    """How a device of the demo lives."""

    LIVELY = "lively"
    """Connected, claims, rotates, refills."""

    FORGOTTEN = "forgotten"
    """Off for weeks: its signed pre-key has expired, so a claim answers 428."""

    PENDING = "pending"
    """Enrolled and waiting for an administrator."""


@dataclass(frozen=True, slots=True)
class DeviceStory:
    """One device; its name is what `bin/device --as` takes."""

    name: str
    platform: Platform
    habit: Habit = Habit.LIVELY


@dataclass(frozen=True, slots=True)
class PersonStory:
    """One person; with an email, somebody who signs in at the console."""

    name: str
    phone: str
    role: Role
    unit: str
    devices: tuple[DeviceStory, ...] = ()
    email: str = ""


@dataclass(frozen=True, slots=True)
class OrganisationStory:
    """One organisation; the first person founded it."""

    name: str
    slug: str
    people: tuple[PersonStory, ...]
    newcomers: str
    """The beginning of the phone numbers of people yet to come; two digits follow."""


def _phone(name: str) -> DeviceStory:
    return DeviceStory(name, Platform.IOS)


# Phone numbers from the range that Ofcom keeps for stories: nobody has them.
STORY = (
    OrganisationStory(
        name="Northgate Hospital Trust",
        slug="northgate",
        people=(
            PersonStory(
                "Amara Osei",
                "+447700900101",
                Role.OWNER,
                "Information governance",
                (_phone("amara"), DeviceStory("amara-laptop", Platform.DESKTOP)),
                "amara@northgate.example",
            ),
            PersonStory(
                "Ben Whitlock",
                "+447700900102",
                Role.ADMIN,
                "Digital",
                (_phone("ben"),),
                "ben@northgate.example",
            ),
            PersonStory(
                "Chloe Marsh",
                "+447700900103",
                Role.MEMBER,
                "Emergency department",
                (DeviceStory("chloe", Platform.ANDROID),),
            ),
            PersonStory(
                "Dev Patel",
                "+447700900104",
                Role.MEMBER,
                "Emergency department",
                (
                    DeviceStory("dev", Platform.ANDROID),
                    DeviceStory("ward-tablet", Platform.ANDROID, Habit.FORGOTTEN),
                ),
            ),
            PersonStory(
                "Eilidh Fraser",
                "+447700900105",
                Role.MEMBER,
                "Radiology",
                (DeviceStory("eilidh", Platform.IOS, Habit.PENDING),),
            ),
            PersonStory(
                "Femi Balogun",
                "+447700900106",
                Role.HELPDESK,
                "Digital",
                email="femi@northgate.example",
            ),
            PersonStory(
                "Hana Sato", "", Role.AUDITOR, "Internal audit", email="hana@northgate.example"
            ),
        ),
        newcomers="+4477009003",
    ),
    OrganisationStory(
        name="Calder Rail Operations",
        slug="calder",
        people=(
            PersonStory(
                "Grace Holt",
                "+447700900201",
                Role.OWNER,
                "Control",
                (_phone("grace"),),
                "grace@calder.example",
            ),
            PersonStory(
                "Harun Aziz",
                "+447700900202",
                Role.MEMBER,
                "Signalling",
                (DeviceStory("harun", Platform.ANDROID),),
            ),
            PersonStory("Isla Byrne", "+447700900203", Role.MEMBER, "Track", (_phone("isla"),)),
        ),
        newcomers="+4477009004",
    ),
)
