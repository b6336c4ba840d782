"""Scheduled and queued work of the orgs app."""

from uuid import UUID

from celery import shared_task

from orgs.mail import MailError
from orgs.services import (
    attempts,
    billing,
    ends,
    links,
    mail,
    maintenance,
    maintenance_notices,
    sessions,
)
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tasks import platform_task, system_task

end_lapsed_memberships = system_task("orgs.end_lapsed_memberships")(ends.end_lapsed_memberships)
delete_expired_sessions = platform_task("orgs.delete_expired_sessions")(
    sessions.delete_expired_sessions
)
drop_attempts = platform_task("orgs.drop_attempts")(attempts.drop_attempts)
drop_links = platform_task("orgs.drop_links")(links.drop_links)
count_seats = system_task("orgs.count_seats")(billing.count_seats)
carry_out_windows = platform_task("orgs.carry_out_windows")(maintenance.carry_out_windows)
tell_of_maintenance = system_task("orgs.tell_of_maintenance")(
    maintenance_notices.tell_of_maintenance
)
drop_mail = platform_task("orgs.drop_mail")(mail.drop_mail)
deliver_waiting_mail = platform_task("orgs.deliver_waiting_mail")(mail.deliver_waiting_mail)


@shared_task(
    name="orgs.deliver_mail",
    autoretry_for=(MailError,),
    retry_backoff=30,
    retry_kwargs={"max_retries": 5},
)
def deliver_mail(mail_id: str) -> None:
    """Send one mail. A server that doesn't take it is asked again."""
    with acting_as(SYSTEM):
        mail.deliver_mail(mail_id=UUID(mail_id))
