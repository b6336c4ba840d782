"""Mail to approvers: that something waits, and once more after a day."""

import logging
from datetime import timedelta
from smtplib import SMTPException
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse

from audit.services.recording import record
from invitations.events import onboarding as events
from invitations.models import Onboarding, PhoneChange
from keys.models import DeviceStatus
from orgs.models import (
    Membership,
    MembershipKind,
    MembershipStatus,
    Organisation,
    Policy,
    SecondDeviceApproval,
)
from orgs.roles import ROLE_PERMISSIONS
from semafore.kernel import clock
from semafore.kernel.permissions import Permission
from semafore.kernel.tenancy import current_organisation_id

logger = logging.getLogger(__name__)

REMINDED_AFTER = timedelta(hours=24)
APPROVING = [role for role, may in ROLE_PERMISSIONS.items() if Permission.MEMBERS_APPROVE in may]


def tell_approvers() -> int:
    """Mail the organisation's approvers of what they weren't told of, or only a day ago.

    Names nobody: a mail is read by more than its recipient. Always 0, for a sweep: nothing is left.
    """
    now = clock.now()
    _tell("told_at", Q(told_at=None), reminder=False)
    _tell("reminded_at", Q(told_at__lte=now - REMINDED_AFTER, reminded_at=None), reminder=True)
    return 0


def _tell(column: str, due: Q, *, reminder: bool) -> None:
    marked = _mark(column, due)
    waiting = sum(len(ids) for _, ids in marked)
    if not waiting:
        return
    organisation = Organisation.objects.get(id=current_organisation_id())
    words = {
        "organisation": organisation.name,
        "waiting": waiting,
        "reminder": reminder,
        "link": settings.BASE_URL + reverse("approvals", kwargs={"slug": organisation.slug}),
    }
    text = render_to_string("mail/approval_waiting.txt", words)
    recipients = _approvers()
    try:
        for address in recipients:
            send_mail(f"{organisation.name}: approval needed", text, None, [address])
    except (SMTPException, OSError) as error:
        logger.warning("approvers could not be told: %s", type(error).__name__)
        for model, ids in marked:
            model.objects.filter(id__in=ids).update(**{column: None})
        return
    with transaction.atomic():
        told = events.ApproversTold(waiting=waiting, recipients=len(recipients), reminder=reminder)
        record(told)


@transaction.atomic
def _mark(column: str, due: Q) -> list[tuple[type[Onboarding | PhoneChange], list[UUID]]]:
    """Mark what is due, so that two workers don't tell of the same."""
    marked: list[tuple[type[Onboarding | PhoneChange], list[UUID]]] = []
    for model, waiting in ((Onboarding, _devices()), (PhoneChange, _phone_changes())):
        rows = waiting.filter(due).select_for_update(of=("self",), skip_locked=True, no_key=True)
        ids = list(rows.values_list("id", flat=True))
        model.objects.filter(id__in=ids).update(**{column: clock.now()})
        marked.append((model, ids))
    return marked


def _devices() -> QuerySet[Onboarding]:
    rows = Onboarding.objects.filter(device__status=DeviceStatus.PENDING)
    if Policy.objects.get().second_device_approval == SecondDeviceApproval.OWN_DEVICE:
        return rows.filter(link_token=None)
    return rows


def _phone_changes() -> QuerySet[PhoneChange]:
    return PhoneChange.objects.filter(proved_at__isnull=False, decided_at=None)


def _approvers() -> list[str]:
    members = Membership.objects.filter(
        Q(ends_at=None) | Q(ends_at__gt=clock.now()),
        kind=MembershipKind.MEMBER,
        role__in=APPROVING,
        status=MembershipStatus.ACTIVE,
    ).exclude(email="")
    return sorted(members.values_list("email", flat=True))
