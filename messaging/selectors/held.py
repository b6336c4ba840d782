"""What the messengers' app holds on a person (`held_on_person`): never a ciphertext."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Length

from keys.models import Device
from messaging.models import (
    Broadcast,
    Delivery,
    Envelope,
    Message,
    Notice,
    PushToken,
    Room,
    ScreenshotReport,
    Skip,
)
from messaging.selectors.held_rooms import room_holdings, room_name
from semafore.kernel.hooks import HeldOnPerson, Holding

Row = tuple[object, ...]

NO_CONTENT = (
    "What messages said is not here: the server has never been able to read it. Who else got a "
    "message is left out."
)


def on_held_on_person(held: HeldOnPerson) -> None:
    """Rooms, messages, deliveries, broadcasts, screenshots, and what is kept for each device."""
    devices = Device.objects.filter(membership_id__in=held.membership_ids)
    own = list(devices.values_list("id", flat=True))
    held.holdings.extend([*room_holdings(held), *_traffic(held, own), *_of_devices(held, own)])


def _traffic(held: HeldOnPerson, own: Sequence[UUID]) -> list[Holding]:
    return [
        Holding(
            title="Messages that the person sent",
            name="messages",
            columns=(
                *("Message", "Device", "Room", "Room's name", "Broadcast", "Accepted"),
                *("Ciphertexts", "Bytes", "Devices left out", "Event"),
            ),
            rows=_messages(held),
            note=NO_CONTENT,
        ),
        Holding(
            title="Broadcasts that the person sent",
            name="broadcasts",
            columns=("Broadcast", "Device", "Started", "Finished", "Devices not reached"),
            rows=_broadcasts(held),
        ),
        Holding(
            title="Messages that wait for the person",
            name="messages_waiting",
            columns=("Device", "Message", "From", "Accepted", "Bytes", "Handed over so often"),
            rows=_waiting(held, own),
            note=NO_CONTENT,
        ),
        Holding(
            title="Messages that were delivered to the person, or expired",
            name="deliveries",
            columns=("Device", "Message", "From", "Accepted", "Outcome", "At"),
            rows=_deliveries(held, own),
            note=NO_CONTENT,
        ),
        Holding(
            title="Messages that left out a device of the person",
            name="messages_missed",
            columns=("Message", "From", "Accepted"),
            rows=_missed(held, own),
        ),
        Holding(
            title="Screenshots that the person's devices reported",
            name="screenshots",
            columns=("Device", "Room", "Room's name", "Taken", "Reported", "Platform"),
            rows=_screenshots(held),
        ),
    ]


def _of_devices(held: HeldOnPerson, own: Sequence[UUID]) -> list[Holding]:
    return [
        Holding(
            title="Notices for devices",
            name="notices",
            columns=("For", "Notice", "Room", "About", "Count", "Moment", "Noted", "Told"),
            rows=_notices(held, own),
        ),
        Holding(
            title="Devices left out that will be told of",
            name="skips",
            columns=("Device left out", "Device that sent", "At"),
            rows=_skips(held, own),
        ),
        Holding(
            title="Push tokens",
            name="push_tokens",
            columns=(
                *("Device", "Service", "Environment", "Registered", "Woken", "Failures"),
                "Failed",
            ),
            rows=_push_tokens(own),
            note="That there is one; the token itself is not listed.",
        ),
    ]


def _messages(held: HeldOnPerson) -> Iterator[Row]:
    found = Message.objects.filter(sender_id__in=held.membership_ids).select_related("room")
    for one in found.defer("receipt").order_by("accepted_at", "id").iterator():
        yield (
            *(one.message_id, one.sender_device_id, one.room_id),
            *(room_name(one.room) if one.room else "", one.broadcast_id, one.accepted_at),
            *(one.envelopes, one.size, len(one.skipped), one.event_id),
        )


def _broadcasts(held: HeldOnPerson) -> Iterator[Row]:
    found = Broadcast.objects.filter(sender_id__in=held.membership_ids)
    yield from (
        found.order_by("started_at", "id")
        .values_list("id", "sender_device_id", "started_at", "finished_at", "not_reached")
        .iterator()
    )


def _waiting(held: HeldOnPerson, own: Sequence[UUID]) -> Iterator[Row]:
    found = Envelope.objects.filter(device_id__in=own).order_by("position")
    columns = found.values_list(
        "device_id",
        "message__message_id",
        "message__sender_id",
        "message__accepted_at",
        Length("ciphertext"),
        "attempts",
    )
    for device, message, sender, *rest in columns.iterator():
        yield device, message, held.masked(sender), *rest


def _deliveries(held: HeldOnPerson, own: Sequence[UUID]) -> Iterator[Row]:
    found = Delivery.objects.filter(device_id__in=own).order_by("at", "id")
    columns = found.values_list(
        "device_id",
        "message__message_id",
        "message__sender_id",
        "message__accepted_at",
        "outcome",
        "at",
    )
    for device, message, sender, *rest in columns.iterator():
        yield device, message, held.masked(sender), *rest


def _missed(held: HeldOnPerson, own: Sequence[UUID]) -> Iterator[Row]:
    found = Message.objects.filter(skipped__overlap=list(own)).order_by("accepted_at", "id")
    columns = found.values_list("message_id", "sender_id", "accepted_at")
    for message, sender, accepted_at in columns.iterator():
        yield message, held.masked(sender), accepted_at


def _screenshots(held: HeldOnPerson) -> Iterator[Row]:
    found = ScreenshotReport.objects.filter(membership_id__in=held.membership_ids)
    for one in found.select_related("room").order_by("reported_at", "id").iterator():
        room: Room = one.room
        yield (
            *(one.device_id, one.room_id, room_name(room)),
            *(one.taken_at, one.reported_at, one.platform),
        )


def _notices(held: HeldOnPerson, own: Sequence[UUID]) -> Iterator[Row]:
    found = Notice.objects.filter(Q(device_id__in=own) | Q(about_id__in=own))
    for one in found.order_by("at", "id").iterator():
        yield (
            *(held.masked(one.device_id, "device"), one.kind, one.room_id),
            *(held.masked(one.about_id, "device"), one.count, one.moment, one.at, one.told_at),
        )


def _skips(held: HeldOnPerson, own: Sequence[UUID]) -> Iterator[Row]:
    found = Skip.objects.filter(Q(device_id__in=own) | Q(sender_device_id__in=own))
    for one in found.order_by("at", "id").iterator():
        yield (
            *(held.masked(one.device_id, "device"), held.masked(one.sender_device_id, "device")),
            one.at,
        )


def _push_tokens(own: Sequence[UUID]) -> Iterator[Row]:
    found = PushToken.objects.filter(device_id__in=own).order_by("device_id")
    yield from found.values_list(
        "device_id",
        "service",
        "environment",
        "registered_at",
        "woken_at",
        "failures",
        "failed_at",
    )
