"""Where an organisation's rooms, people, devices and settings stand, by their versions.

Numbers commit in their order within an organisation (kernel/versions.py): who has read up to one
misses nothing below it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Q

from semafore.kernel.tenancy import current_organisation_id

PEOPLE = ("orgs_membership", "keys_device")
ROOMS = ("messaging_room", "messaging_roommembership")
SETTINGS = ("orgs_policy",)


@dataclass(frozen=True, slots=True)
class Latest:
    """The highest versions there are."""

    people: int
    """Of memberships and devices."""
    rooms: int
    """Of rooms and periods in them."""
    settings: int
    """Of what the organisation wants of the app."""

    @property
    def any(self) -> int:
        """Of whatever."""
        return max(self.people, self.rooms, self.settings)


def _highest(tables: tuple[str, ...]) -> str:
    highest = ", ".join(
        f"(SELECT max(version) FROM {table} WHERE organisation_id = %(organisation)s)"  # noqa: S608
        for table in tables
    )
    return f"coalesce(greatest({highest}), 0)"


# One statement, for one snapshot: with two, a row committed in between could lie below both.
LATEST = f"SELECT {_highest(PEOPLE)}, {_highest(ROOMS)}, {_highest(SETTINGS)}"


def latest() -> Latest:
    """Where the current organisation stands; five looks at the ends of indexes."""
    with connection.cursor() as cursor:
        cursor.execute(LATEST, {"organisation": current_organisation_id()})
        return Latest(*cursor.fetchone())


@dataclass(frozen=True, slots=True)
class Versions:
    """The range (after, upto] of versions; `more` follow."""

    after: int
    upto: int
    more: bool

    def of(self, path: str = "") -> Q:
        """Rows that changed in it; `path` leads to them (`room__`)."""
        return Q(**{f"{path}version__gt": self.after, f"{path}version__lte": self.upto})


_FOLLOWING = " UNION ALL ".join(
    f"(SELECT version FROM {table} WHERE organisation_id = %(organisation)s"  # noqa: S608
    " AND version > %(after)s ORDER BY version LIMIT %(limit)s)"
    for table in (*PEOPLE, *ROOMS, *SETTINGS)
)
FOLLOWING = f"SELECT version FROM ({_FOLLOWING}) AS one ORDER BY version LIMIT %(limit)s"  # noqa: S608


def following(after: int, *, rows: int) -> Versions:
    """The versions of the next so many changed rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            FOLLOWING,
            {"organisation": current_organisation_id(), "after": after, "limit": rows + 1},
        )
        found = [row[0] for row in cursor.fetchall()]
    upto = found[:rows][-1] if found else after
    return Versions(after=after, upto=upto, more=len(found) > rows)


# From what changed, which is little, to whose rooms that is in. `people` is the highest version of
# people and devices: all members see all of those, guests those of their rooms. What happens in a
# room after somebody left it is no news of theirs.
TOUCHED = """
WITH told AS (
    SELECT * FROM unnest(%(devices)s::uuid[], %(people)s::uuid[], %(versions)s::bigint[])
        AS one(device_id, person_id, version)
), changed AS (
    SELECT id AS room_id, version FROM messaging_room
    WHERE organisation_id = %(organisation)s AND version > %(least)s
    UNION ALL
    SELECT room_id, version FROM messaging_roommembership
    WHERE organisation_id = %(organisation)s AND version > %(least)s
    UNION ALL
    SELECT period.room_id, person.version FROM orgs_membership AS person
    JOIN messaging_roommembership AS period ON period.membership_id = person.id
        AND period.ended_at IS NULL
    WHERE person.organisation_id = %(organisation)s AND person.version > %(least)s
    UNION ALL
    SELECT period.room_id, device.version FROM keys_device AS device
    JOIN messaging_roommembership AS period ON period.membership_id = device.membership_id
        AND period.ended_at IS NULL
    WHERE device.organisation_id = %(organisation)s AND device.version > %(least)s
)
SELECT told.device_id FROM told JOIN orgs_membership AS person ON person.id = told.person_id
WHERE person.kind = 'member' AND %(latest)s > told.version
UNION
SELECT told.device_id FROM told
JOIN messaging_roommembership AS own ON own.membership_id = told.person_id
    AND (own.ended_at IS NULL OR own.version > told.version)
JOIN changed ON changed.room_id = own.room_id AND changed.version > told.version
UNION
SELECT told.device_id FROM told JOIN orgs_membership AS self ON self.id = told.person_id
WHERE self.version > told.version
UNION
SELECT told.device_id FROM told WHERE %(settings)s > told.version
"""


def touched(told: Mapping[UUID, tuple[UUID, int]], stand: Latest) -> set[UUID]:
    """The devices for which something may be new: by device its person, and up to where it knows.

    For members whatever is new of people and devices counts, also what they will not see of it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            TOUCHED,
            {
                "organisation": current_organisation_id(),
                "devices": list(told),
                "people": [person_id for person_id, _ in told.values()],
                "versions": [version for _, version in told.values()],
                "least": min(version for _, version in told.values()),
                "latest": stand.people,
                "settings": stand.settings,
            },
        )
        return {row[0] for row in cursor.fetchall()}
