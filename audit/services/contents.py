"""What transited: the hash of each ciphertext, and what an event commits to of them."""

from collections.abc import Sequence
from uuid import UUID

from audit import merkle
from semafore.kernel.database import prepared_cursor
from semafore.kernel.tenancy import current_organisation_id

NOTE = """
INSERT INTO audit_content (organisation_id, event_id, sha256)
SELECT %(organisation)s::uuid, %(event)s::uuid, unnest(%(hashes)b::bytea[])
"""


def content_root(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962 root over SHA-256(ciphertext) values, sorted bytewise (audit-log.md)."""
    return merkle.root(sorted(hashes))


def recipients_root(hashes: Sequence[tuple[UUID, bytes]]) -> bytes:
    """RFC 6962 root over device id (16 bytes) and SHA-256(ciphertext), in device order."""
    return merkle.root(sorted(device_id.bytes + value for device_id, value in hashes))


def note_contents(*, event_id: UUID, hashes: Sequence[bytes]) -> None:
    """Remember the ciphertexts of an event, in the transaction of the event."""
    with prepared_cursor() as cursor:
        cursor.execute(
            NOTE,
            {
                "organisation": current_organisation_id(),
                "event": event_id,
                "hashes": list(hashes),
            },
        )
