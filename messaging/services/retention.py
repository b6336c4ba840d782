"""What goes with its time here: messages and deliveries, histories, named guests, typed reasons."""

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from keys.models import Device
from messaging.models import (
    Broadcast,
    Delivery,
    Envelope,
    Message,
    NamedGuest,
    Notice,
    Room,
    RoomMembership,
    RoomRequest,
    ScreenshotReport,
    Skip,
)
from semafore.kernel.hooks import EventsConcerning, RetentionSweep
from semafore.kernel.retention import blank, delete, not_held, sweep_rows


def on_retention_sweep(sweep: RetentionSweep) -> None:
    """Count or take a batch of each kind; what names others goes first, and what waits stays."""
    _sweep_messages(sweep)
    _sweep_pairs(sweep)
    _sweep_histories(sweep)
    _sweep_guests(sweep)
    _sweep_reasons(sweep)


def on_events_concerning(asked: EventsConcerning) -> None:
    """Of these events, those of messages that a device of these people was to get, or got."""
    devices = list(_devices_of(asked.membership_ids).values_list("id", flat=True))
    messages = Message.objects.filter(event_id__in=asked.event_ids)
    of_all = dict(messages.values_list("id", "event_id"))
    # One by one: asked of all ways at once PostgreSQL may choose to read every delivery. And what
    # waits comes first: it may be delivered meanwhile.
    concerning = (
        messages.filter(skipped__overlap=devices).values_list("id", flat=True),
        _to(Envelope.objects.all(), of_all, devices),
        _to(Delivery.objects.all(), of_all, devices),
    )
    asked.found.update(of_all[message_id] for found in concerning for message_id in found)


def _devices_of(people: Collection[UUID]) -> QuerySet[Device]:
    return Device.objects.filter(membership_id__in=people)


def _to(
    rows: QuerySet[Delivery] | QuerySet[Envelope],
    messages: Collection[UUID],
    devices: Collection[UUID],
) -> Iterable[UUID]:
    """Which of these messages one of these devices got, or is to get."""
    found = rows.filter(message_id__in=list(messages), device_id__in=devices)
    return found.values_list("message_id", flat=True)


def _meant_for(people: Collection[UUID]) -> Q:
    """Messages that a device of one of these people got, waits for, or was left out of."""
    devices = _devices_of(people).values("id")
    # Always true of a message's own, and no equation: for those alone PostgreSQL would make a table
    # of every delivery, batch by batch.
    own = {"message": OuterRef("pk"), "organisation__gte": OuterRef("organisation_id")}
    delivered = Delivery.objects.filter(device__in=devices, **own)
    waiting = Envelope.objects.filter(device__in=devices, **own)
    return Q(Exists(delivered)) | Q(Exists(waiting)) | Q(skipped__overlap=devices)


def _lapsed(sweep: RetentionSweep) -> QuerySet[Message]:
    """Messages whose metadata has lived its time; a hold keeps their deliveries too."""
    return not_held(
        Message.objects.filter(accepted_at__lt=sweep.metadata_before).order_by("accepted_at"),
        sweep.holds,
        since="accepted_at",
        until="accepted_at",
        person=lambda person_id: Q(sender_id=person_id) | _meant_for([person_id]),
        room=lambda room_id: Q(room_id=room_id),
    )


def _to_go(sweep: RetentionSweep) -> QuerySet[Message]:
    """Lapsed messages of which no envelope waits."""
    return _lapsed(sweep).exclude(Exists(Envelope.objects.filter(message=OuterRef("pk"))))


def _sweep_messages(sweep: RetentionSweep) -> None:
    delivered = Exists(Delivery.objects.filter(message=OuterRef("pk")))

    def of_the_oldest(_all: QuerySet[Delivery]) -> QuerySet[Delivery]:
        # By ids: with the messages joined in, PostgreSQL may choose to read every delivery.
        oldest = _lapsed(sweep).filter(delivered).values_list("id", flat=True)[: sweep.batch]
        return Delivery.objects.filter(message_id__in=list(oldest))

    def of_which_nothing_is_left(to_go: QuerySet[Message]) -> QuerySet[Message]:
        # Of the oldest alone: their deliveries go first, and a search for more reads all messages.
        oldest = list(to_go.values_list("id", flat=True)[: sweep.batch])
        return Message.objects.filter(pk__in=oldest).exclude(delivered)

    of_lapsed = Delivery.objects.filter(message__in=_lapsed(sweep).order_by())
    sweep_rows(sweep, "deliveries", of_lapsed, delete, ready=of_the_oldest)
    sweep_rows(sweep, "messages", _to_go(sweep), delete, ready=of_which_nothing_is_left)


def _sweep_pairs(sweep: RetentionSweep) -> None:
    """Who was left out by whom, and is to be told of: a device's own notices wait for it."""
    notices = Notice.objects.filter(about__isnull=False, at__lt=sweep.metadata_before)
    kept_notices = not_held(
        notices.order_by("at"),
        sweep.holds,
        since="at",
        until="at",
        person=lambda person_id: (
            Q(device__membership_id=person_id) | Q(about__membership_id=person_id)
        ),
    )
    sweep_rows(sweep, "notices", kept_notices, delete)
    kept_skips = not_held(
        Skip.objects.filter(at__lt=sweep.metadata_before).order_by("at"),
        sweep.holds,
        since="at",
        until="at",
        person=lambda person_id: (
            Q(device__membership_id=person_id) | Q(sender_device__membership_id=person_id)
        ),
    )
    sweep_rows(sweep, "skips", kept_skips, delete)


def _sweep_histories(sweep: RetentionSweep) -> None:
    """Broadcasts, after their parts, and reports of screenshots."""
    part = Message.objects.filter(broadcast=OuterRef("pk"))
    broadcasts = not_held(
        Broadcast.objects.filter(started_at__lt=sweep.audit_before).order_by("started_at"),
        sweep.holds,
        since="started_at",
        until="started_at",
        person=lambda person_id: Q(sender_id=person_id),
    )
    sweep_rows(
        sweep,
        "broadcasts",
        broadcasts.exclude(Exists(part.exclude(pk__in=_to_go(sweep).order_by().values("pk")))),
        delete,
        ready=lambda _all: broadcasts.exclude(Exists(part)),
    )
    reports = not_held(
        ScreenshotReport.objects.filter(reported_at__lt=sweep.audit_before).order_by("reported_at"),
        sweep.holds,
        since="reported_at",
        until="reported_at",
        person=lambda person_id: Q(membership_id=person_id),
        room=lambda room_id: Q(room_id=room_id),
    )
    sweep_rows(sweep, "screenshot_reports", reports, delete)


def _sweep_guests(sweep: RetentionSweep) -> None:
    """Whom a decided request names, but for the membership."""
    guests = NamedGuest.objects.filter(request__decided_at__lt=sweep.metadata_before)
    named = not_held(
        guests.exclude(name=""),
        sweep.holds,
        since="request__requested_at",
        until="request__decided_at",
        person=lambda person_id: Q(membership_id=person_id) | Q(request__requested_by_id=person_id),
        room=lambda room_id: Q(request__room_id=room_id),
    )
    sweep_rows(sweep, "named_guests", named, blank(name="", phone="", email=""))


def _sweep_reasons(sweep: RetentionSweep) -> None:
    """What administrators typed may name people: it goes with the events that hold it too."""
    requests = not_held(
        RoomRequest.objects.filter(decided_at__lt=sweep.audit_before)
        .exclude(reason="", decision_reason="")
        .order_by("decided_at"),
        sweep.holds,
        since="requested_at",
        until="decided_at",
        person=lambda person_id: (
            Q(requested_by_id=person_id)
            | Q(pk__in=NamedGuest.objects.filter(membership_id=person_id).values("request_id"))
        ),
        room=lambda room_id: Q(room_id=room_id),
    )
    sweep_rows(sweep, "room_request_reasons", requests, blank(reason="", decision_reason=""))
    periods = not_held(
        RoomMembership.objects.filter(ended_at__lt=sweep.audit_before)
        .exclude(end_reason="")
        .order_by("ended_at"),
        sweep.holds,
        since="added_at",
        until="ended_at",
        person=lambda person_id: (
            Q(membership_id=person_id) | Q(added_by_id=person_id) | Q(ended_by_id=person_id)
        ),
        room=lambda room_id: Q(room_id=room_id),
    )
    sweep_rows(sweep, "room_period_reasons", periods, blank(end_reason=""))
    rooms = not_held(
        Room.objects.filter(closed_at__lt=sweep.audit_before)
        .exclude(close_reason="")
        .order_by("closed_at"),
        sweep.holds,
        since="created_at",
        until="closed_at",
        person=lambda person_id: Q(closed_by_id=person_id),
        room=lambda room_id: Q(pk=room_id),
    )
    sweep_rows(sweep, "room_reasons", rooms, blank(close_reason=""))
