"""Work of the invitations app that no request waits for."""

from uuid import UUID

from celery import shared_task

from invitations.models import Invitation
from invitations.services import changes, delivery
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tasks import system_task
from semafore.kernel.tenancy import organisation_scope


@shared_task(
    name=delivery.SEND,
    autoretry_for=(delivery.DeliveryError,),
    retry_backoff=15,  # 15, 30, 60, 120 seconds: less than delivery.OVERDUE in all
    retry_jitter=False,
    max_retries=4,
)
def send_invitation(organisation_id: str, invitation_id: str) -> None:
    """Send an invitation's link; the token is made here and stands in no queue."""
    with organisation_scope(UUID(organisation_id)), acting_as(SYSTEM):
        invitation = Invitation.objects.select_related("organisation").get(id=UUID(invitation_id))
        delivery.deliver(invitation=invitation)


requeue_overdue = system_task("invitations.requeue_overdue")(delivery.requeue_overdue)
expire = system_task("invitations.expire")(changes.expire)
