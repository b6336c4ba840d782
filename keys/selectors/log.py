"""What devices see of their organisation's log."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from audit.logs import current_log
from audit.selectors import proofs
from audit.selectors.checkpoints import checkpoint_of_size, latest_checkpoint
from audit.selectors.log_keys import checkpoint_vkeys, receipt_vkeys
from audit.selectors.proofs import Consistency, EventProof, event_proof
from keys.errors import NoCheckpoint
from keys.models import Device, DeviceStatus
from keys.selectors.credentials import DeviceCredential
from keys.selectors.reach import out_of_reach, reached_by_room
from orgs.models import MembershipStatus, unlapsed
from semafore.kernel.problems import Invalid, NotFound


@dataclass(frozen=True, slots=True)
class PublishedLog:
    """The newest checkpoint, a signed note, and the public keys that verify what the log signs."""

    checkpoint: str
    vkeys: Sequence[str]
    receipt_vkeys: Sequence[str]


def published_log() -> PublishedLog:
    """The organisation's log as it is published. Raises NoCheckpoint before the first."""
    log = current_log()
    latest = latest_checkpoint(log)
    if latest is None:
        raise NoCheckpoint
    return PublishedLog(latest.note, checkpoint_vkeys(log), receipt_vkeys(log))


def consistency(*, old_size: int, size: int | None = None) -> Consistency:
    """The proof between two checkpoints, the newer one the newest unless said otherwise.

    Raises NoCheckpoint, Invalid for a size at which nothing was published (`from`, `to`).
    """
    log = current_log()
    if size is None:
        newest = latest_checkpoint(log)
        if newest is None:
            raise NoCheckpoint
        size = newest.size
    try:
        return proofs.consistency(log, old_size=old_size, size=size)
    except NotFound:
        parameter = "from" if checkpoint_of_size(log, size) else "to"
        raise _unpublished(parameter) from None


def _unpublished(parameter: str) -> Invalid:
    detail = "No checkpoint of this size was published, or it is larger than the other one."
    return Invalid(errors=[{"field": parameter, "code": "not_published", "detail": detail}])


def enrolment_proof(*, credential: DeviceCredential, device_id: UUID) -> EventProof | None:
    """The proof of the event that approved a device: its identity key opened, no person.

    For whoever may claim the device's bundle, and for itself. None while the event isn't under a
    checkpoint. Raises NotFound.
    """
    approvals = Device.objects.filter(
        unlapsed("membership__"),
        id=device_id,
        status=DeviceStatus.APPROVED,
        membership__status=MembershipStatus.ACTIVE,
    )
    found = approvals.values_list("membership_id", "membership__kind", "approval_event_id").first()
    # Asked even where there is nobody: an unknown device and a hidden one cost the same statements.
    by_room = reached_by_room(credential, {found[0]: found[1]} if found else {})
    if out_of_reach(credential, by_room) or found is None or found[2] is None:
        raise NotFound
    return event_proof(current_log(), event_id=found[2], open_parts={"what"})
