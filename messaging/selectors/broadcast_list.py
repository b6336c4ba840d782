"""The history of broadcasts: who, when, whom they reached; never what they said."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, QuerySet, Sum

from messaging.models import Broadcast, Delivery, Message, Outcome


@dataclass(frozen=True, slots=True)
class BroadcastRow:
    """A broadcast with its numbers, in devices."""

    broadcast: Broadcast
    parts: int
    reached: int
    """Devices for which there was an envelope."""
    delivered: int
    expired: int
    """Devices that did not fetch it in time, or were revoked."""

    @property
    def waiting(self) -> int:
        """Devices that it still waits for."""
        return self.reached - self.delivered - self.expired


def broadcasts() -> QuerySet[Broadcast]:
    """All of them, with who sent them."""
    return Broadcast.objects.select_related("sender", "sender_device")


def broadcast_rows(of: Sequence[Broadcast]) -> list[BroadcastRow]:
    """The broadcasts in the same order with their numbers, in two statements however many."""
    ids = [one.id for one in of]
    sent = {
        broadcast_id: (parts, reached)
        for broadcast_id, parts, reached in Message.objects.filter(broadcast_id__in=ids)
        .values_list("broadcast_id")
        .annotate(Count("id"), Sum("envelopes"))
    }
    outcomes = {
        (broadcast_id, outcome): count
        for broadcast_id, outcome, count in Delivery.objects.filter(message__broadcast_id__in=ids)
        .values_list("message__broadcast_id", "outcome")
        .annotate(Count("id"))
    }
    return [
        BroadcastRow(
            one,
            *sent.get(one.id, (0, 0)),
            delivered=outcomes.get((one.id, Outcome.DELIVERED), 0),
            expired=outcomes.get((one.id, Outcome.EXPIRED), 0),
        )
        for one in of
    ]
