"""What the platform's operator did, and what there is to pay for, in the demo."""

from collections.abc import Callable
from datetime import timedelta

from orgs.models import (
    Account,
    MaintenanceKind,
    MaintenanceWindow,
    MembershipStatus,
    Organisation,
)
from orgs.services.accounts import create_account
from orgs.services.billing import count_seats
from orgs.services.mail import deliver_waiting_mail
from orgs.services.maintenance import Plan, announce_window, carry_out_windows
from orgs.services.maintenance_notices import tell_of_maintenance
from orgs.services.memberships import admit_member, end_membership
from semafore.kernel import clock
from semafore.kernel.actor import OPERATOR_LABEL, SYSTEM, Actor, ActorKind, acting_as
from semafore.kernel.tasks import organisation_ids
from semafore.kernel.tenancy import organisation_scope
from semafore.local.demo.characters import OrganisationStory
from semafore.local.demo.post import past_post

NOTICE = timedelta(days=5)
LASTS = timedelta(hours=2)
ANNOUNCED = timedelta(days=15)
"""So long ago, the window that is over."""


def try_out(story: OrganisationStory) -> None:
    """Those who tried it before the others came, and are gone: months of them have been billed."""
    for person in story.pilot:
        with clock.moved_by(-timedelta(days=person.joined)), acting_as(SYSTEM):
            member = admit_member(
                account=create_account(),
                name=person.name,
                unit=person.unit,
                status=MembershipStatus.ACTIVE,
            )
        with clock.moved_by(-timedelta(days=person.left)), acting_as(SYSTEM):
            end_membership(membership_id=member.id, reason="The pilot is over.")


def bill_nights(organisation: Organisation) -> None:
    """Every night since the founding, as the worker would have."""
    with organisation_scope(organisation.id), acting_as(SYSTEM):
        count_seats()


def maintain(operator: Account) -> None:
    """One window that is over, and one ahead, which closes nothing while somebody looks round."""
    if MaintenanceWindow.objects.exists():
        return
    with past_post():
        with clock.moved_by(-ANNOUNCED):
            _announce(operator, MaintenanceKind.CLOSED, "The database moves to a new machine.")
        with clock.moved_by(NOTICE + LASTS - ANNOUNCED):
            _tell()
        summary = "Servers are renewed one after the other. Devices may have to connect again."
        _announce(operator, MaintenanceKind.UNINTERRUPTED, summary)


def _announce(operator: Account, kind: MaintenanceKind, summary: str) -> None:
    starts_at = (clock.now() + NOTICE).replace(minute=0, second=0, microsecond=0)
    plan = Plan(kind=kind, starts_at=starts_at, ends_at=starts_at + LASTS, summary=summary)
    with acting_as(Actor(kind=ActorKind.OPERATOR, id=operator.id, label=OPERATOR_LABEL)):
        announce_window(plan=plan)
    _tell()


def _tell() -> None:
    with acting_as(SYSTEM):
        carry_out_windows()
        _each(tell_of_maintenance)
        deliver_waiting_mail()
        # When the mails were taken.
        _each(tell_of_maintenance)


def _each(sweep: Callable[[], int]) -> None:
    for organisation_id in organisation_ids():
        with organisation_scope(organisation_id):
            sweep()
