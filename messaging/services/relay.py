"""The relay: one transaction under the organisation's shared lock, from device set to receipt.

Statements of a message: the lock; sender, room and an earlier message of the id; the devices that
it must reach; the message with its envelopes; the hashes of its ciphertexts; the event.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from audit.logs import origin_of
from audit.registry import What
from audit.services.contents import content_root, note_contents, recipients_root
from audit.services.receipts import announce_receipt_key, sign_receipt
from audit.services.recording import Ref, record
from keys.selectors.credentials import DeviceCredential
from messaging.errors import DeviceSetMismatch, MessageIdConflict, MessageLimit, RoomClosed
from messaging.events.messages import MessageAccepted
from messaging.models import NoticeKind
from messaging.selectors.recipients import MINUTE, Recipient, Standing, recipients, standing
from messaging.services.notices import post_notices
from messaging.services.wakeups import nudge
from messaging.uploads import EnvelopeUpload
from semafore.kernel import clock
from semafore.kernel.database import pipelined, prepared_cursor
from semafore.kernel.ids import uuid7, uuid7s
from semafore.kernel.problems import NotAuthenticated, NotFound
from semafore.kernel.realtime import Hint, notify
from semafore.kernel.tenancy import current_organisation_id, lock_organisation


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a sender gets: when, the signed note of it, and which devices were left out."""

    accepted_at: datetime
    receipt: str
    skipped: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Upload:
    """A message as its sender sends it."""

    message_id: UUID
    envelopes: Sequence[EnvelopeUpload]
    commitment: bytes | None = None


def send(*, credential: DeviceCredential, room_id: UUID, upload: Upload) -> Accepted:
    """Accept a message for a room; the same id from the same device answers the first result.

    Raises NotFound (also for a room that the sender is not in), NotAuthenticated (shut out
    meanwhile), MessageIdConflict, RoomClosed, DeviceSetMismatch, MessageLimit.
    """
    return once(lambda: _send(credential, room_id, upload))


def once(send_it: Callable[[], Accepted]) -> Accepted:
    """Run a sending, its transaction and all; of two with one id at once, the second reads."""
    announce_receipt_key()
    try:
        return send_it()
    except IntegrityError as error:
        if "message_once" not in str(error):
            raise
    # The same message at the same time: the other one was first, and is there to be read now.
    return send_it()


@transaction.atomic
def _send(credential: DeviceCredential, room_id: UUID, upload: Upload) -> Accepted:
    # Shared, and before the device set is read: whoever changes devices, people or rooms waits for
    # the messages under way, and those that follow see the change (product.md, section 5).
    lock_organisation(shared=True)
    found = standing(credential=credential, message_id=upload.message_id, room_id=room_id)
    earlier = answered_before(found, credential)
    if earlier is not None:
        return earlier
    if found.room_id is None:
        raise NotFound
    if not found.open:
        raise RoomClosed
    to = recipients(credential=credential, room_id=room_id)
    skipped = check_device_set(to, upload.envelopes)
    check_limit(found)
    what = MessageAccepted(
        message_id=upload.message_id,
        content_root=content_root([one.hash for one in upload.envelopes]),
        envelopes=len(upload.envelopes),
        skipped=len(skipped),
        total_bytes=sum(len(one.ciphertext) for one in upload.envelopes),
        commitment=upload.commitment,
    )
    accepted = store(
        credential=credential,
        upload=upload,
        found=found,
        skipped=skipped,
        what=what,
        room=Ref(kind="room", id=room_id, label=found.room_name),
    )
    nudge([one.device_id for one in upload.envelopes if to[one.device_id].asleep])
    if skipped:
        note_skips(sender=credential.device_id, skipped=skipped)
        post_notices(device_ids=skipped, kind=NoticeKind.MISSED, room_id=room_id, count=1)
    return accepted


def answered_before(found: Standing, credential: DeviceCredential) -> Accepted | None:
    """What the sender got for this id before. Raises NotAuthenticated, MessageIdConflict."""
    if not found.admitted:
        raise NotAuthenticated
    earlier = found.earlier
    if earlier is None:
        return None
    if earlier.sender_device_id != credential.device_id:
        raise MessageIdConflict
    return Accepted(earlier.accepted_at, earlier.receipt, earlier.skipped)


def check_limit(found: Standing) -> None:
    """Raises MessageLimit."""
    if found.sent_lately >= settings.MESSAGES_PER_DEVICE_PER_MINUTE:
        raise MessageLimit(retry_after=int(MINUTE.total_seconds()))


def check_device_set(
    to: Mapping[UUID, Recipient], envelopes: Sequence[EnvelopeUpload]
) -> list[UUID]:
    """The devices that are left out, which only those with an expired signed pre-key may be.

    Raises DeviceSetMismatch, which names all that is wrong at once.
    """
    sent = {one.device_id: one for one in envelopes}
    left_out = sorted(to.keys() - sent.keys())
    missing = [device_id for device_id in left_out if to[device_id].reachable]
    extra = sorted(sent.keys() - to.keys())
    stale = sorted(
        device_id
        for device_id in sent.keys() & to.keys()
        if sent[device_id].registration_id != to[device_id].registration_id
    )
    if missing or extra or stale:
        raise DeviceSetMismatch(
            missing=[str(device_id) for device_id in missing],
            extra=[str(device_id) for device_id in extra],
            stale=[str(device_id) for device_id in stale],
        )
    return left_out


STORE = """
WITH message AS (
    INSERT INTO messaging_message (id, organisation_id, message_id, room_id, broadcast_id,
        sender_id, sender_device_id, accepted_at, envelopes, size, skipped, event_id, receipt)
    VALUES (%(id)s, %(organisation)s, %(message_id)s, %(room)s::uuid, %(broadcast)s::uuid,
        %(sender)s, %(sender_device)s, %(accepted_at)s, %(count)s, %(size)s,
        %(skipped)s::uuid[], %(event)s, %(receipt)s)
)
INSERT INTO messaging_envelope
    (envelope_id, organisation_id, device_id, message_id, suite, type, ciphertext, attempts)
SELECT envelope_id, %(organisation)s, device_id, %(id)s, suite, type, ciphertext, 0
FROM unnest(%(envelope_ids)b::uuid[], %(devices)b::uuid[], %(suites)s::text[], %(types)s::text[],
    %(ciphertexts)b::bytea[]) AS sent(envelope_id, device_id, suite, type, ciphertext)
"""


def store(
    *,
    credential: DeviceCredential,
    upload: Upload,
    found: Standing,
    skipped: Sequence[UUID],
    what: What,
    room: Ref | None = None,
    broadcast_id: UUID | None = None,
) -> Accepted:
    """Message, envelopes, hashes and event, in the transaction of the caller; devices are told."""
    accepted_at = clock.now()
    hashes = [one.hash for one in upload.envelopes]
    devices = [one.device_id for one in upload.envelopes]
    root = recipients_root(list(zip(devices, hashes, strict=True)))
    with pipelined():
        recorded = record(what, room=room, recipients_root=root)
        receipt = sign_receipt(
            recorded, origin=origin_of(found.log_id, found.origin_number), accepted_at=accepted_at
        )
        row: dict[str, Any] = {
            "id": uuid7(),
            "organisation": credential.organisation_id,
            "message_id": upload.message_id,
            "room": room and room.id,
            "broadcast": broadcast_id,
            "sender": credential.membership_id,
            "sender_device": credential.device_id,
            "accepted_at": accepted_at,
            "count": len(devices),
            "size": sum(len(one.ciphertext) for one in upload.envelopes),
            "skipped": list(skipped),
            "event": recorded.event_id,
            "receipt": receipt,
            "envelope_ids": uuid7s(len(devices)),
            "devices": devices,
            "suites": [one.suite for one in upload.envelopes],
            "types": [one.type for one in upload.envelopes],
            "ciphertexts": [one.ciphertext for one in upload.envelopes],
        }
        with prepared_cursor() as cursor:
            cursor.execute(STORE, row)
        note_contents(event_id=recorded.event_id, hashes=hashes)
    notify(devices, Hint.MAILBOX)
    return Accepted(accepted_at, receipt, skipped)


SKIP = """
INSERT INTO messaging_skip (organisation_id, device_id, sender_device_id, at)
SELECT organisation_id, id, %(sender)s, %(at)s FROM keys_device
WHERE organisation_id = %(organisation)s AND id = ANY(%(skipped)s::uuid[])
ORDER BY id ON CONFLICT DO NOTHING
"""


def note_skips(*, sender: UUID, skipped: Sequence[UUID]) -> None:
    """Remember whom the sender left out, to tell it when they can be reached again."""
    with connection.cursor() as cursor:
        cursor.execute(
            SKIP,
            {
                "organisation": current_organisation_id(),
                "sender": sender,
                "at": clock.now(),
                "skipped": list(skipped),
            },
        )
