"""Broadcasts: an administrator's device sends to every active member, in parts.

Whether everybody was reached is reported, not enforced: devices come and go while parts are sent.
"""

from uuid import UUID

from django.db import transaction

from audit.services.contents import content_root
from audit.services.recording import record
from keys.selectors.credentials import DeviceCredential
from messaging.errors import BroadcastFinished
from messaging.events import broadcasts as events
from messaging.models import Broadcast, NoticeKind
from messaging.selectors.broadcasts import reached, wanting
from messaging.selectors.recipients import recipients, standing
from messaging.services.notices import post_notices
from messaging.services.relay import (
    Accepted,
    Upload,
    answered_before,
    check_device_set,
    check_limit,
    once,
    store,
)
from messaging.services.wakeups import nudge
from orgs.selectors.members import holders_of
from semafore.kernel import clock
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound
from semafore.kernel.tenancy import lock_organisation


@transaction.atomic
def start(*, credential: DeviceCredential) -> Broadcast:
    """Begin a broadcast, whose parts follow. Raises nothing of its own."""
    broadcast = Broadcast.objects.create(
        organisation_id=credential.organisation_id,
        sender_id=credential.membership_id,
        sender_device_id=credential.device_id,
    )
    record(events.BroadcastStarted(broadcast_id=broadcast.id))
    return broadcast


def send_part(*, credential: DeviceCredential, broadcast_id: UUID, upload: Upload) -> Accepted:
    """Accept envelopes for some of the devices; the same id answers the first result.

    Raises NotFound (also for a broadcast of somebody else's), NotAuthenticated (shut out
    meanwhile), MessageIdConflict, BroadcastFinished, MessageLimit, and DeviceSetMismatch, whose
    `extra` also names devices that an earlier part has reached.
    """
    return once(lambda: _send_part(credential, broadcast_id, upload))


@transaction.atomic
def _send_part(credential: DeviceCredential, broadcast_id: UUID, upload: Upload) -> Accepted:
    # As in the relay: shared, and before the devices are read.
    lock_organisation(shared=True)
    broadcast = _own(credential, broadcast_id)
    found = standing(credential=credential, message_id=upload.message_id)
    earlier = answered_before(found, credential)
    if earlier is not None:
        return earlier
    if broadcast.finished_at is not None:
        raise BroadcastFinished
    named = [one.device_id for one in upload.envelopes]
    had = reached(broadcast_id, among=named)
    to = {
        device_id: recipient
        for device_id, recipient in recipients(credential=credential, among=named).items()
        if device_id not in had
    }
    check_device_set(to, upload.envelopes)
    check_limit(found)
    accepted = store(
        credential=credential,
        upload=upload,
        found=found,
        skipped=[],
        what=events.BroadcastAccepted(
            broadcast_id=broadcast_id,
            message_id=upload.message_id,
            content_root=content_root([one.hash for one in upload.envelopes]),
            envelopes=len(upload.envelopes),
            total_bytes=sum(len(one.ciphertext) for one in upload.envelopes),
            commitment=upload.commitment,
        ),
        broadcast_id=broadcast_id,
    )
    nudge([device_id for device_id, recipient in to.items() if recipient.asleep])
    return accepted


@transaction.atomic
def finish(*, credential: DeviceCredential, broadcast_id: UUID) -> list[UUID]:
    """End a broadcast; the devices that it should have reached and didn't, which are told so.

    Raises NotFound (also for a broadcast of somebody else's), BroadcastFinished.
    """
    lock_organisation(shared=True)
    broadcast = _own(credential, broadcast_id)
    if broadcast.finished_at is not None:
        raise BroadcastFinished
    had = reached(broadcast_id)
    missed = sorted(wanting(broadcast) - had)
    broadcast.finished_at, broadcast.not_reached = clock.now(), len(missed)
    broadcast.save(update_fields=["finished_at", "not_reached"])
    record(
        events.BroadcastFinished(
            broadcast_id=broadcast_id, reached=len(had), not_reached=len(missed)
        )
    )
    if had:
        post_notices(device_ids=missed, kind=NoticeKind.MISSED, count=1)
    return missed


def _own(credential: DeviceCredential, broadcast_id: UUID) -> Broadcast:
    """The person's broadcast, locked: of parts at once, each sees whom the others have reached.

    NotFound also for who was let in a moment ago and has lost the role since.
    """
    senders = holders_of(Permission.ROOMS_MANAGE).filter(id=credential.membership_id)
    broadcast = (
        Broadcast.objects.select_for_update(no_key=True)
        .filter(id=broadcast_id, sender__in=senders.order_by())
        .first()
    )
    if broadcast is None:
        raise NotFound
    return broadcast
