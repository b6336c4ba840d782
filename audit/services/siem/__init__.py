"""Where events are sent: what owners decide, and the sending itself (siem.md, Delivery)."""

from uuid import UUID

from audit.models import DestinationState, SiemDestination
from audit.services.recording import Ref
from semafore.kernel import clock
from semafore.kernel.problems import NotFound


def destination_ref(row: SiemDestination) -> Ref:
    """A destination as events name it."""
    return Ref(kind="siem_destination", id=row.id, label=row.name)


def lock_destination(destination_id: UUID) -> SiemDestination:
    """The row, locked until the transaction ends. Raises NotFound."""
    rows = SiemDestination.objects.select_for_update(no_key=True)
    row = rows.filter(id=destination_id).first()
    if row is None:
        raise NotFound
    return row


def begin_anew(row: SiemDestination) -> None:
    """After a decision of a person: it is tried at once, and who sends just now moves nothing.

    What is known of its trouble stays until something is taken.
    """
    row.generation += 1
    row.state, row.reason = DestinationState.ACTIVE, ""
    row.failures, row.next_attempt_at = 0, clock.now()
