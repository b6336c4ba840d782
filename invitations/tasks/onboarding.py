"""Codes to phones and mail to approvers. Arguments are ids alone."""

from uuid import UUID

from celery import shared_task

from invitations.services import linking, notices, phone_codes
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tasks import platform_task, system_task
from semafore.kernel.tenancy import organisation_scope


@shared_task(name="invitations.send_phone_code")
def send_phone_code(organisation_id: str, proof_id: str) -> None:
    """Make and send the code that a proof wants; the worker alone ever knows it."""
    with organisation_scope(UUID(organisation_id)), acting_as(SYSTEM):
        phone_codes.send_code(proof_id=UUID(proof_id))


@shared_task(name="invitations.tell_approvers_of")
def tell_approvers_of(organisation_id: str) -> None:
    """Tell one organisation's approvers that something waits."""
    with organisation_scope(UUID(organisation_id)), acting_as(SYSTEM):
        notices.tell_approvers()


send_due_codes = system_task("invitations.send_due_codes")(phone_codes.send_due_codes)
tell_approvers = system_task("invitations.tell_approvers")(notices.tell_approvers)
drop_link_tokens = system_task("invitations.drop_link_tokens")(linking.drop_link_tokens)
drop_phone_quotas = platform_task("invitations.drop_phone_quotas")(phone_codes.drop_phone_quotas)
