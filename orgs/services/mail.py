"""Mail that is to be sent: a row in the transaction of the act, a worker sends it.

A nudge through Celery makes it soon; when the queue is lost, the sweep finds the row.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from kombu.exceptions import OperationalError

from orgs.mail import MailError, send_mail_to
from orgs.models import Account, LinkPurpose, Mail, Organisation
from orgs.models.mail import GIVE_UP_AFTER
from orgs.selectors.members import holders_of
from orgs.selectors.sign_in import account_by_email
from orgs.services.links import make_link
from semafore.kernel import clock
from semafore.kernel.hooks import PeopleToTell
from semafore.kernel.tasks import delete_batch
from semafore.kernel.tenancy import current_organisation_id

logger = logging.getLogger(__name__)

KEPT_FOR = timedelta(hours=48)
HOUR = timedelta(hours=1)
LINKS_AN_HOUR = 3
PAGES = {LinkPurpose.PASSWORD: "password_reset", LinkPurpose.FACTOR: "factor_link"}


@transaction.atomic
def post_mail(
    *,
    to: str,
    template: str,
    context: Mapping[str, Any] | None = None,
    link: LinkPurpose | None = None,
) -> Mail:
    """Have a mail sent after the transaction. With `link`, the worker puts a new one into it.

    The row goes after two days. `context` is stored: names and times, never a secret.
    """
    mail = Mail.objects.create(
        to=to, template=template, context=dict(context or {}), link=link or ""
    )
    transaction.on_commit(lambda: _nudge(mail.id))
    return mail


@transaction.atomic
def post_asked_mail(*, to: str, template: str, link: LinkPurpose) -> None:
    """Have a link mailed that somebody asks for: three an hour and address, more do nothing."""
    lately = Mail.objects.filter(to=to, template=template, created_at__gt=clock.now() - HOUR)
    if lately.count() < LINKS_AN_HOUR:
        post_mail(to=to, template=template, link=link)


def mail_factor_link(*, account: Account) -> None:
    """Mail the link of a factor reset again, to somebody who gave their password just now."""
    if account.email:
        post_asked_mail(to=account.email, template="factor_link", link=LinkPurpose.FACTOR)


def on_people_to_tell(payload: PeopleToTell) -> None:
    """Handler of the kernel's hook: a mail to each of them that has an address."""
    organisation = Organisation.objects.get(id=current_organisation_id())
    console = reverse("overview", args=[organisation.slug])
    context = {
        **payload.context,
        "organisation": organisation.name,
        "page": f"{settings.BASE_URL}{console}{payload.context['page']}",
    }
    for holder in holders_of(payload.permission).exclude(email=""):
        post_mail(to=holder.email, template=payload.template, context=context)


def _nudge(mail_id: UUID) -> None:
    try:
        current_app.send_task("orgs.deliver_mail", [str(mail_id)], retry=False)
    except OperationalError as error:
        logger.warning("mail waits for the sweep: %s", type(error).__name__)


@transaction.atomic
def deliver_mail(*, mail_id: UUID) -> None:
    """Send a mail that waits; nothing when it is gone, sent, or being sent by somebody else.

    Raises MailError; then everything is as before, link and all.
    """
    mail = _waiting().select_for_update(skip_locked=True).filter(id=mail_id).first()
    if mail is None:
        return
    context = dict(mail.context)
    if mail.link:
        account = account_by_email(mail.to)
        if account is None or not account.is_active:
            # Nobody's address: it was taken and counts as any, so that the page tells nothing.
            mail.sent_at = clock.now()
            mail.save(update_fields=["sent_at"])
            return
        purpose = LinkPurpose(mail.link)
        token = make_link(account=account, purpose=purpose)
        context["link"] = settings.BASE_URL + reverse(PAGES[purpose], args=[token])
    send_mail_to(mail.to, mail.template, context)
    mail.sent_at = clock.now()
    mail.save(update_fields=["sent_at"])


def _waiting() -> QuerySet[Mail]:
    return Mail.objects.filter(sent_at=None, created_at__gt=clock.now() - GIVE_UP_AFTER)


def deliver_waiting_mail() -> int:
    """Try every waiting mail once; 0, since what failed is due again at the next sweep."""
    for mail_id in list(_waiting().order_by("created_at").values_list("id", flat=True)):
        try:
            deliver_mail(mail_id=mail_id)
        except MailError as error:
            logger.warning("mail %s was not taken: %s", mail_id, error)
    return 0


def drop_mail() -> int:
    """Delete one batch of old mails, sent or given up; how many."""
    return delete_batch("orgs_mail", "created_at < %s", [clock.now() - KEPT_FOR])
