"""What goes of devices that have ended.

Their pre-keys, tokens and claims went at the end or within a day. The identity key stays: it never
serves another device (product.md, section 2), and it names nobody once the events have gone.
"""

from django.db.models import Q, QuerySet

from audit.models import Entry, IndexedEvent
from keys.models import ENDED_AT, OVER, Device
from semafore.kernel.hooks import EventsConcerning, RetentionSweep
from semafore.kernel.retention import blank, not_held, sweep_rows


def on_retention_sweep(sweep: RetentionSweep) -> None:
    """Tell which devices ended long ago, and forget what recalls the person."""
    ended = Device.objects.filter(OVER).alias(ended_at=ENDED_AT)
    long_ago = ended.filter(ended_at__lt=sweep.audit_before)
    sweep.ended_devices.update(long_ago.values_list("id", flat=True))
    named = ended.filter(ended_at__lt=sweep.metadata_before).exclude(name="")
    sweep_rows(
        sweep,
        "device_names",
        _not_held(named.order_by("ended_at"), sweep),
        blank(name="", last_seen_on=None),
    )
    denied = ended.filter(decided_at__lt=sweep.audit_before).exclude(denial_reason="")
    sweep_rows(
        sweep,
        "device_denial_reasons",
        _not_held(denied.order_by("decided_at"), sweep),
        blank(denial_reason=""),
    )


def _not_held(devices: QuerySet[Device], sweep: RetentionSweep) -> QuerySet[Device]:
    return not_held(
        devices,
        sweep.holds,
        since="enrolled_at",
        until="ended_at",
        person=lambda person_id: Q(membership_id=person_id),
    )


def on_events_concerning(asked: EventsConcerning) -> None:
    """Of these events, those about or by a device of one of these people."""
    devices = Device.objects.filter(membership_id__in=asked.membership_ids).values("id")
    # By their places: the index of events is not one by their ids.
    places = Entry.objects.filter(event_id__in=asked.event_ids).values_list("seq", flat=True)
    events = IndexedEvent.objects.filter(seq__in=list(places))
    concerning = events.filter(Q(target_id__in=devices) | Q(actor_id__in=devices))
    asked.found.update(concerning.values_list("event_id", flat=True))
