"""Telling each organisation of each step of a window: its log, its people by mail, its devices."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Subquery
from django.urls import reverse

from audit.services.recording import record
from orgs.events.maintenance import OF_OCCASION
from orgs.models import (
    Mail,
    MaintenanceKind,
    MaintenanceMail,
    MaintenanceNotice,
    MaintenanceOccasion,
    MaintenanceStep,
    Organisation,
)
from orgs.selectors.members import holders_of
from orgs.services.mail import post_mail
from orgs.services.maintenance import event_of, window_ref
from semafore.kernel import hooks
from semafore.kernel.actor import OPERATOR_LABEL, SYSTEM, Actor, ActorKind, acting_as
from semafore.kernel.permissions import Permission
from semafore.kernel.tenancy import current_organisation_id

IN_PASSING = (MaintenanceOccasion.BEGAN, MaintenanceOccasion.ENDED)
"""Nobody is mailed of these where no interruption is expected."""


def tell_of_maintenance() -> int:
    """Tell the current organisation of all that it hasn't heard of; how many steps that were."""
    told = 0
    while _tell_next():
        told += 1
    _note_sent()
    return told


@transaction.atomic
def _tell_next() -> bool:
    """One step in one transaction; a worker that dies before its end has told of nothing."""
    # Whoever holds the row tells already, and goes on until there is nothing left.
    organisation = (
        Organisation.objects.select_for_update(no_key=True, skip_locked=True)
        .filter(id=current_organisation_id())
        .first()
    )
    if organisation is None:
        return False
    heard = MaintenanceNotice.objects.filter(step=OuterRef("pk"))
    step = (
        MaintenanceStep.objects.filter(~Exists(heard), at__gte=organisation.created_at)
        .order_by("id")
        .first()
    )
    if step is None:
        return False
    _tell(organisation, step)
    return True


def _tell(organisation: Organisation, step: MaintenanceStep) -> None:
    notice = MaintenanceNotice.objects.create(organisation=organisation, step=step)
    with acting_as(_actor(step)):
        if step.occasion in OF_OCCASION:
            record(event_of(step), target=window_ref(step.window_id))
    if step.kind == MaintenanceKind.CLOSED or step.occasion not in IN_PASSING:
        _post(organisation, step, notice)
    MaintenanceStep.objects.filter(id=step.id).update(told=F("told") + 1, told_at=notice.told_at)
    hooks.maintenance_told(hooks.MaintenanceTold(step.window_id))


def _actor(step: MaintenanceStep) -> Actor:
    if step.by_id is None:
        return SYSTEM
    return Actor(kind=ActorKind.OPERATOR, id=step.by_id, label=OPERATOR_LABEL)


def _post(organisation: Organisation, step: MaintenanceStep, notice: MaintenanceNotice) -> None:
    page = reverse("maintenance_window", args=[organisation.slug, step.window_id])
    context = {
        "organisation": organisation.name,
        "starts": _in_words(step.starts_at),
        "ends": _in_words(step.ends_at),
        "closed": step.kind == MaintenanceKind.CLOSED,
        "summary": step.summary,
        "reason": step.reason,
        "page": f"{settings.BASE_URL}{page}",
    }
    for holder in holders_of(Permission.MAINTENANCE_HEAR).exclude(email=""):
        mail = post_mail(to=holder.email, template=f"maintenance_{step.occasion}", context=context)
        MaintenanceMail.objects.create(
            organisation=organisation, notice=notice, membership=holder, mail_id=mail.id
        )


def _in_words(moment: datetime) -> str:
    return f"{moment:%A %-d %B %Y, %H:%M} UTC"


def _note_sent() -> None:
    """Keep when mails were taken by the mail server: their own rows go after two days."""
    mails = Mail.objects.filter(id=OuterRef("mail_id"), sent_at__isnull=False)
    waiting = MaintenanceMail.objects.filter(Exists(mails), sent_at=None)
    waiting.update(sent_at=Subquery(mails.values("sent_at")[:1]))
