"""Invitations of guests follow the rooms that they are for."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from audit.services.recording import record
from invitations.events import invitations as events
from invitations.models import Invitation, State
from invitations.services.progress import UNDECIDED, advance, invitation_ref

NOT_YET_COME = (*UNDECIDED, State.EXPIRED)
"""Also those whose time is over: an administrator can extend them."""


def _locked(invitation_ids: Collection[UUID]) -> QuerySet[Invitation]:
    rows = Invitation.objects.select_for_update(no_key=True).order_by("id")
    return rows.filter(id__in=invitation_ids, state__in=NOT_YET_COME)


def prolong_stays(*, invitation_ids: Collection[UUID], until: datetime) -> None:
    """Let those who have not come yet stay until then, where they could stay less long.

    Within the caller's transaction, the organisation locked.
    """
    for invitation in _locked(invitation_ids).filter(membership_ends_at__lt=until):
        what = events.InvitationStayExtended(before=invitation.membership_ends_at, after=until)
        invitation.membership_ends_at = until
        invitation.save(update_fields=["membership_ends_at"])
        record(what, target=invitation_ref(invitation))


def revoke_stays(*, invitation_ids: Collection[UUID], reason: str) -> int:
    """Withdraw those of them who have not come yet; how many.

    Within the caller's transaction, the organisation locked.
    """
    withdrawn = list(_locked(invitation_ids))
    for invitation in withdrawn:
        revoked = events.InvitationRevoked(reason=reason)
        advance(invitation, State.REVOKED, revoked, reason=reason)
    return len(withdrawn)
