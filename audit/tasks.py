"""Scheduled work of the audit app."""

from contextlib import suppress
from uuid import UUID

from celery import shared_task
from kombu.exceptions import OperationalError

from audit.selectors.siem import destinations_due
from audit.services import denials, looks
from audit.services.exports import files, work
from audit.services.retention import sweeps
from audit.services.siem import delivery, watching
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tasks import platform_task, system_task
from semafore.kernel.tenancy import current_organisation_id, organisation_scope

settle_denials = system_task("audit.settle_denials")(denials.settle_denials)
settle_platform_denials = platform_task("audit.settle_platform_denials")(
    denials.settle_platform_denials
)
forget_quiet_looks = system_task("audit.forget_quiet_looks")(looks.forget_quiet_looks)
sweep_retention = system_task("audit.sweep_retention")(sweeps.sweep)

record_siem_canary = system_task("audit.record_siem_canary")(watching.record_canary)
watch_siem = system_task("audit.watch_siem")(watching.watch)

STALE_SECONDS = 60
"""A request to send that nobody took by then: the next look asks again."""


@shared_task(name="audit.send_siem")
def send_siem(organisation_id: str, destination_id: str) -> None:
    """Send to one destination for a while, then ask for the rest behind the others."""
    ids = UUID(organisation_id), UUID(destination_id)
    with organisation_scope(ids[0]), acting_as(SYSTEM):
        more = delivery.deliver(destination_id=ids[1])
    if more:
        _ask_to_send(*ids)


def _ask_to_send(organisation_id: UUID, destination_id: UUID) -> None:
    arguments = (str(organisation_id), str(destination_id))
    with suppress(OperationalError):  # the next look asks again
        send_siem.apply_async(arguments, retry=False, expires=STALE_SECONDS)


def _send_due() -> int:
    """Ask for what each destination that may be sent to hasn't got; 0, none is asked for twice."""
    for destination_id in destinations_due():
        _ask_to_send(current_organisation_id(), destination_id)
    return 0


send_due_siem = system_task("audit.send_due_siem")(_send_due)
write_exports = system_task("audit.write_exports")(work.write_exports)
expire_exports = system_task("audit.expire_exports")(files.expire_exports)
drop_orphaned_export_files = platform_task("audit.drop_orphaned_export_files")(
    files.drop_orphaned_files
)
