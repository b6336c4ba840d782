"""Waking devices. Arguments are ids alone."""

from uuid import UUID

from celery import shared_task

from messaging.services import wakeups
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tasks import system_task
from semafore.kernel.tenancy import organisation_scope


@shared_task(name=wakeups.WAKE)
def wake(organisation_id: str, *device_ids: str) -> None:
    """Wake these devices of an organisation, unless they came meanwhile."""
    with organisation_scope(UUID(organisation_id)), acting_as(SYSTEM):
        wakeups.wake(device_ids=[UUID(device_id) for device_id in device_ids])


wake_waiting = system_task("messaging.wake_waiting")(wakeups.wake_waiting)
