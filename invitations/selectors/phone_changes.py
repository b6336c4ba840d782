"""Changes of number, for the approvals page."""

from uuid import UUID

from django.db.models import QuerySet

from invitations.models import PhoneChange
from semafore.kernel.problems import NotFound


def waiting_phone_changes() -> QuerySet[PhoneChange]:
    """Those that are proved and not decided, longest waiting first."""
    return (
        PhoneChange.objects.select_related("membership")
        .filter(proved_at__isnull=False, decided_at=None)
        .order_by("proved_at", "id")
    )


def decided_phone_changes() -> QuerySet[PhoneChange]:
    """Those that somebody decided, latest first."""
    return (
        PhoneChange.objects.select_related("membership", "decided_by")
        .filter(decided_at__isnull=False)
        .order_by("-decided_at", "-id")
    )


def get_phone_change(phone_change_id: UUID) -> PhoneChange:
    """One that is proved, decided or not. Raises NotFound."""
    change = (
        PhoneChange.objects.select_related("membership", "decided_by")
        .filter(id=phone_change_id, proved_at__isnull=False)
        .first()
    )
    if change is None:
        raise NotFound
    return change
