"""Memberships with an end: set and moved by people, carried out by a sweep."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from audit.services.recording import record
from orgs.errors import EndInvalid, LastOwner, MembershipTransition, OwnMembership
from orgs.events import people as events
from orgs.models import Membership, MembershipKind, MembershipStatus, Policy
from orgs.services.memberships import (
    OPEN,
    end_membership,
    keep_an_owner,
    locked_membership,
    membership_ref,
    owners_by_owners,
)
from semafore.kernel import clock
from semafore.kernel.actor import current_actor
from semafore.kernel.tasks import BATCH
from semafore.kernel.tenancy import lock_organisation

REASON = "The end that was set has come."


@transaction.atomic
def change_end(*, membership_id: UUID, ends_at: datetime | None) -> Membership:
    """Set when an open membership ends by itself, or that it doesn't.

    A guest keeps an end, within the policy's longest stay from now. Raises NotFound, OwnMembership,
    RoleAbove, MembershipTransition, EndInvalid, LastOwner (an owner without an end has to remain).
    """
    membership = locked_membership(membership_id)
    if current_actor().membership_id == membership.id:
        raise OwnMembership(detail="Somebody else has to decide when your membership ends.")
    owners_by_owners(membership.role)
    if membership.status not in OPEN:
        raise MembershipTransition(detail="Only an open membership has an end to come.")
    before = membership.ends_at
    if before == ends_at:
        return membership
    _check_end(membership, ends_at)
    membership.ends_at = ends_at
    membership.save(update_fields=["ends_at"])
    what = events.MemberEndChanged(before=before, after=ends_at)
    record(what, target=membership_ref(membership))
    return membership


@transaction.atomic
def prolong_stay(*, membership: Membership, until: datetime) -> None:
    """Let a guest stay as long as a room that was granted: later than before, or as it was.

    The policy was asked when the room was granted.
    """
    if membership.ends_at is None or membership.ends_at >= until:
        return
    what = events.MemberEndChanged(before=membership.ends_at, after=until)
    membership.ends_at = until
    membership.save(update_fields=["ends_at"])
    record(what, target=membership_ref(membership))


def _check_end(membership: Membership, ends_at: datetime | None) -> None:
    now = clock.now()
    if ends_at is not None:
        if ends_at <= now:
            raise EndInvalid(detail="The end has to lie ahead. To end it now, use End membership.")
        keep_an_owner(membership)
    if membership.kind == MembershipKind.GUEST:
        if ends_at is None:
            raise EndInvalid(detail="A guest's stay has an end.")
        longest = Policy.objects.get().guest_stay_days
        if ends_at > now + timedelta(days=longest):
            raise EndInvalid(detail=f"A guest stays at most {longest} days from now.")


def end_lapsed_memberships() -> int:
    """End the memberships whose end has come, each in its own transaction; how many were due."""
    due = _due().order_by("ends_at").values_list("id", flat=True)[:BATCH]
    ids = list(due)
    for membership_id in ids:
        _end(membership_id)
    return len(ids)


def _due() -> QuerySet[Membership]:
    lapsed = Membership.objects.filter(ends_at__lte=clock.now())
    return lapsed.exclude(status=MembershipStatus.ENDED)


@transaction.atomic
def _end(membership_id: UUID) -> None:
    lock_organisation()
    # Looked at again: somebody may have moved the end since.
    membership = _due().filter(id=membership_id).first()
    if membership is None:
        return
    try:
        end_membership(membership_id=membership_id, reason=REASON)
    except LastOwner:
        # Nobody could let the last owner in again, so the end goes, and an alarm stays in the log.
        before, membership.ends_at = membership.ends_at, None
        membership.save(update_fields=["ends_at"])
        what = events.MemberEndPrevented(before=before)
        record(what, target=membership_ref(membership))
