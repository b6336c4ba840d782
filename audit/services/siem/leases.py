"""One sender a destination: a lease with an end, so that a killed sender holds nobody up for long.

Every step of a sender goes through `under`: it finds its lease, and the generation that it began
with, or moves nothing.
"""

from datetime import timedelta
from uuid import UUID, uuid4

from django.db import transaction

from audit.models import DestinationState, SiemDestination
from semafore.kernel import clock

LEASE = timedelta(seconds=90)
"""Longer than a name's resolution and a request together can take."""


class LeaseLostError(RuntimeError):
    """Somebody has changed the destination meanwhile, or another sender has it."""


@transaction.atomic
def take_lease(*, destination_id: UUID) -> SiemDestination | None:
    """The destination, if it may be sent to now; None where it stands, waits or is sent to."""
    now = clock.now()
    rows = SiemDestination.objects.select_for_update(no_key=True, skip_locked=True)
    row = rows.filter(
        id=destination_id, state=DestinationState.ACTIVE, next_attempt_at__lte=now
    ).first()
    if row is None or (row.leased_until is not None and row.leased_until > now):
        return None
    row.lease, row.leased_until = uuid4(), now + LEASE
    row.save(update_fields=["lease", "leased_until"])
    return row


def under(lease: SiemDestination) -> SiemDestination:
    """The row as it stands, locked, the lease prolonged. Raises LeaseLostError.

    Within a transaction; the caller saves the row.
    """
    rows = SiemDestination.objects.select_for_update(no_key=True)
    row = rows.filter(id=lease.id, lease=lease.lease, generation=lease.generation).first()
    if row is None:
        raise LeaseLostError
    row.leased_until = clock.now() + LEASE
    return row


@transaction.atomic
def prolong(lease: SiemDestination) -> SiemDestination:
    """Before a batch goes out: it is ours still, and for long enough. Raises LeaseLostError."""
    row = under(lease)
    row.save(update_fields=["leased_until"])
    return row


def give_back(lease: SiemDestination) -> None:
    """Let the next sender begin."""
    SiemDestination.objects.filter(id=lease.id, lease=lease.lease).update(
        lease=None, leased_until=None
    )
