"""What an open socket must know: may it stay, is it the one, what is due."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from keys.selectors.bundles import DueKeyEvents, due_key_events
from semafore.kernel import clock
from semafore.kernel.database import prepared_cursor
from semafore.kernel.tenancy import current_organisation_id


@dataclass(frozen=True, slots=True)
class Sight:
    """A device that may be connected, as the database has it just now."""

    device_id: UUID
    membership_id: UUID
    serial: int
    """Of the device's latest connect."""
    keys: DueKeyEvents | None


# The token itself counts, not only the device: a suspension takes it away for good, even where it
# was lifted before anybody looked.
ADMITTED = """
SELECT token.token_hash, device.id, person.id, connection.serial
FROM keys_devicetoken AS token
JOIN keys_device AS device ON device.id = token.device_id AND device.status = 'approved'
JOIN orgs_membership AS person ON person.id = device.membership_id AND person.status = 'active'
    AND (person.ends_at IS NULL OR person.ends_at > %(now)s::timestamptz)
LEFT JOIN realtime_connection AS connection ON connection.device_id = device.id
WHERE token.organisation_id = %(organisation)s AND token.token_hash = ANY(%(hashes)b::bytea[])
"""


def sights(
    token_hashes: Sequence[bytes], *, keys_of: Collection[bytes] | None = None
) -> dict[bytes, Sight]:
    """By token hash, in one statement however many; who is missing must be let go (4401).

    In two more, what is due of keys: for all, or for those tokens alone.
    """
    if not token_hashes:
        return {}
    with prepared_cursor() as cursor:
        cursor.execute(
            ADMITTED,
            {
                "organisation": current_organisation_id(),
                "hashes": list(token_hashes),
                "now": clock.now(),
            },
        )
        admitted = cursor.fetchall()
    asked = [row[1] for row in admitted if keys_of is None or row[0] in keys_of]
    due = due_key_events(asked) if asked else {}
    return {
        token_hash: Sight(device_id, membership_id, serial, due.get(device_id))
        for token_hash, device_id, membership_id, serial in admitted
    }
