"""What waits in mailboxes."""

from collections.abc import Sequence
from uuid import UUID

from messaging.models import Envelope


def drained(device_ids: Sequence[UUID]) -> list[UUID]:
    """Those of the devices that have everything on its way to them, and nothing waiting."""
    if not device_ids:
        return []
    waiting = Envelope.objects.filter(device_id__in=device_ids, flight=None)
    full = set(waiting.values_list("device_id", flat=True).distinct())
    return [device_id for device_id in device_ids if device_id not in full]
