"""Sending the link: asked for on commit, done by the worker, its outcome on the invitation.

The row is what counts: a task that Redis lost is asked for again by the sweep, and a link may so go
out twice, but never silently not at all.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from celery import current_app
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string

from audit.registry import What
from audit.services.recording import record
from invitations.events import invitations as events
from invitations.models import Channel, Delivery, Invitation
from invitations.services.progress import invitation_ref, locked_invitation
from invitations.services.tokens import check_usable, invitation_link
from invitations.sms.backends import SmsError, Template, send
from semafore.kernel import clock
from semafore.kernel.problems import Problem

SEND = "invitations.send"
"""The task's name (tasks.py)."""

OVERDUE = timedelta(minutes=5)
"""Longer than all the attempts of one task: who waits so long has no task any more."""

GIVE_UP_AFTER = timedelta(hours=1)
PERMANENT = 500
"""SMTP's replies from here on say: never."""


class DeliveryError(Exception):
    """The link was not taken. `permanent` ones are not tried again; the reason is for people."""

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent


def queue(invitations: Sequence[Invitation]) -> None:
    """Have the links sent once the transaction commits, but for those that are given by hand."""
    sent = [one for one in invitations if one.channel != Channel.HAND]
    Invitation.objects.filter(id__in=[one.id for one in sent]).update(
        delivery=Delivery.QUEUED, delivery_error="", delivery_at=clock.now()
    )

    def ask() -> None:
        for one in sent:
            _ask(one)

    # A queue that is away is no reason to fail after the commit: the sweep asks again.
    transaction.on_commit(ask, robust=True)


def _ask(invitation: Invitation) -> None:
    current_app.send_task(
        SEND, args=[str(invitation.organisation_id), str(invitation.id)], retry=False
    )


def deliver(*, invitation: Invitation) -> None:
    """Send the link, unless it needs no sending (any more).

    Raises DeliveryError when another attempt may do better.
    """
    if invitation.delivery != Delivery.QUEUED or invitation.delivery_at is None:
        return
    asked_at = invitation.delivery_at
    try:
        check_usable(invitation)
    except Problem:
        _settle(invitation, asked_at, Delivery.NONE)
        return
    try:
        _hand_over(invitation)
    except DeliveryError as error:
        if not error.permanent and clock.now() < asked_at + GIVE_UP_AFTER:
            _settle(invitation, asked_at, Delivery.QUEUED, reason=error.reason)
            raise
        failed = events.InvitationDeliveryFailed(channel=invitation.channel, reason=error.reason)
        _settle(invitation, asked_at, Delivery.FAILED, failed, reason=error.reason)
    else:
        sent = events.InvitationSent(channel=invitation.channel)
        _settle(invitation, asked_at, Delivery.SENT, sent)


def requeue_overdue() -> int:
    """Ask again for what has no task any more. Takes no rows, so there is never more to do: 0."""
    overdue = Invitation.objects.filter(
        delivery=Delivery.QUEUED, delivery_at__lte=clock.now() - OVERDUE
    )
    for invitation in overdue.iterator():
        _ask(invitation)
    return 0


@transaction.atomic
def _settle(
    invitation: Invitation,
    asked_at: datetime,
    outcome: Delivery,
    what: What | None = None,
    *,
    reason: str = "",
) -> None:
    """Note the outcome, unless it has been asked for again since, or another attempt was faster."""
    current = locked_invitation(invitation.id)
    if current.delivery != Delivery.QUEUED or current.delivery_at != asked_at:
        return
    current.delivery, current.delivery_error = outcome, reason
    if outcome != Delivery.QUEUED:
        current.delivery_at = clock.now()
    current.save(update_fields=["delivery", "delivery_error", "delivery_at"])
    if what is not None:
        record(what, target=invitation_ref(current))


def _hand_over(invitation: Invitation) -> None:
    if invitation.channel == Channel.SMS:
        try:
            send(
                to=invitation.phone,
                template=Template.INVITATION,
                values={
                    "organisation": invitation.organisation.name,
                    "link": invitation_link(invitation),
                },
            )
        except SmsError as error:
            raise DeliveryError(error.reason, permanent=error.permanent) from None
    else:
        _mail(invitation)


def _mail(invitation: Invitation) -> None:
    # Not chained: what mail servers answer repeats addresses, and worse.
    organisation = " ".join(invitation.organisation.name.split())
    text = render_to_string(
        "mail/invitation.txt",
        {"invitation": invitation, "link": invitation_link(invitation)},
    )
    try:
        send_mail(f"{organisation} invites you to SemaFore", text, None, [invitation.email])
    except SMTPRecipientsRefused as error:
        permanent = all(code >= PERMANENT for code, _ in error.recipients.values())
        raise DeliveryError("The mail server refused the address.", permanent=permanent) from None
    except SMTPResponseException as error:
        permanent = error.smtp_code >= PERMANENT
        raise DeliveryError(
            f"The mail server answered {error.smtp_code}.", permanent=permanent
        ) from None
    except (SMTPException, OSError):
        raise DeliveryError("The mail server could not be reached.", permanent=False) from None
