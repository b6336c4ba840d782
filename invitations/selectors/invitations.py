"""Reads of invitations for the console."""

from uuid import UUID

from django.db.models import Q, QuerySet

from invitations.models import Invitation
from invitations.models.invitations import OPEN
from semafore.kernel.problems import NotFound

RELATED = ("issued_by", "sponsor", "party", "organisation")


def invitations(
    *, state: str = "", purpose: str = "", delivery: str = "", search: str = ""
) -> QuerySet[Invitation]:
    """Those like this, whose name, phone or email begins with `search`.

    The state `open` is any that may still be accepted; what is empty sets no condition.
    """
    found = Invitation.objects.select_related(*RELATED)
    if state:
        found = found.filter(state__in=OPEN if state == "open" else [state])
    if purpose:
        found = found.filter(purpose=purpose)
    if delivery:
        found = found.filter(delivery=delivery)
    if search:
        found = found.filter(
            Q(name__istartswith=search)
            | Q(phone__startswith=search.replace(" ", ""))
            | Q(email__istartswith=search)
        )
    return found


def get_invitation(invitation_id: UUID) -> Invitation:
    """One invitation. Raises NotFound, also for another organisation's."""
    found = Invitation.objects.select_related(*RELATED).filter(id=invitation_id).first()
    if found is None:
        raise NotFound
    return found
