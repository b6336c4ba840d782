"""What the socket's app holds on a person (`held_on_person`)."""

from collections.abc import Iterator

from realtime.models import Connection
from semafore.kernel.hooks import HeldOnPerson, Holding


def on_held_on_person(held: HeldOnPerson) -> None:
    """The latest connection of each device."""
    held.holdings.append(
        Holding(
            title="Latest connections of devices",
            name="connections",
            columns=("Device", "Connected", "Last seen", "Closed"),
            rows=_connections(held),
        )
    )


def _connections(held: HeldOnPerson) -> Iterator[tuple[object, ...]]:
    found = Connection.objects.filter(device__membership_id__in=held.membership_ids)
    yield from found.order_by("device_id").values_list(
        "device_id", "connected_at", "last_seen", "closed_at"
    )
