"""Events of every class that happened some days ago, and what a sweep leaves of them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.db import transaction

from audit.events.denials import AccessDenied
from audit.events.log import LogHalted
from audit.events.retention import RetentionChangeWithdrawn
from audit.models import Event, IndexedEvent, RetentionPeriods
from audit.services.contents import note_contents
from audit.services.recording import Fact, Ref, record_many
from audit.services.retention.sweeps import sweep
from keys.events import KeyBundleWithdrawn
from messaging.events.messages import MessageAccepted
from orgs.events.people import MemberSuspended
from orgs.models import Membership, Organisation
from semafore.kernel import clock, hooks
from semafore.kernel.actor import SYSTEM, Actor, ActorKind, acting_as
from semafore.kernel.ids import uuid7
from semafore.kernel.tenancy import organisation_scope
from tests.audit.published import publish

if TYPE_CHECKING:
    from audit.registry import What

DAY = timedelta(days=1)


def days(of: Organisation, metadata: int, audit: int, existence: int) -> None:
    """Set the periods as if they had always been these."""
    with organisation_scope(of.id):
        RetentionPeriods.objects.update(
            metadata_days=metadata, audit_days=audit, existence_days=existence
        )


def fact_of_class(event_class: int, device: Ref | None = None) -> Fact:
    """A fact of this class; of class 3, about the device."""
    subject = Ref("member", uuid4(), "Dana")
    room = Ref("room", uuid4(), "Room 1")
    whats: dict[int, What] = {
        1: MemberSuspended(reason="left"),
        2: MessageAccepted(
            message_id=uuid7(),
            content_root=bytes(32),
            envelopes=1,
            skipped=0,
            total_bytes=600,
            commitment=None,
        ),
        3: KeyBundleWithdrawn(withdrawn=1),
        4: RetentionChangeWithdrawn(request_id=uuid4()),
        5: LogHalted(reason="fork"),
        6: AccessDenied(act="look", reason="not_permitted"),
    }
    target = device if event_class == 3 else Ref("member", uuid4(), "Erin")
    return Fact(whats[event_class], target=target, subject=subject, room=room)


def happened(
    of: Organisation,
    facts: Sequence[Fact],
    *,
    ago: timedelta,
    by: Membership | None = None,
    device: UUID | None = None,
    contents: int = 0,
) -> list[UUID]:
    """Record facts that long ago, and give them their places; the events' ids."""
    actor = SYSTEM
    if by or device:
        member = by.id if by else None
        actor = Actor(
            kind=ActorKind.DEVICE if device else ActorKind.MEMBER,
            id=device or member,
            label="Somebody",
            membership_id=member,
            address="192.0.2.7",
        )
    with (
        clock.moved_by(-ago),
        acting_as(actor),
        organisation_scope(of.id),
        transaction.atomic(),
    ):
        ids = [one.event_id for one in record_many(facts)]
        for event_id in ids:
            if contents:
                hashes = [uuid4().bytes * 2 for _ in range(contents)]
                note_contents(event_id=event_id, hashes=hashes)
    publish(of)
    return ids


def swept(of: Organisation) -> int:
    """What a sweep of the organisation takes."""
    with acting_as(SYSTEM), organisation_scope(of.id):
        return sweep()


def left(of: Organisation, event_id: UUID) -> set[str]:
    """The parts of an event that are left: in the event and in the index alike."""
    with organisation_scope(of.id):
        event = Event.objects.filter(id=event_id).first()
        index = IndexedEvent.objects.filter(event_id=event_id).first()
    if event is None:
        assert index is None
        return set()
    assert index is not None
    parts = {name for name in ("who", "what") if getattr(event, name) is not None}
    assert parts == {
        name for name in ("who", "what") if getattr(event, f"{name}_opening") is not None
    }
    assert parts == {name for name in ("who", "what") if getattr(index, f"{name}_kept")}
    return parts


def records(of: Organisation) -> list[dict[str, Any]]:
    """What the log says of sweeps, oldest first."""
    with organisation_scope(of.id):
        whats = [json.loads(bytes(row.what or b"{}")) for row in Event.objects.order_by("id")]
    return [what["data"] for what in whats if what.get("type") == "retention.swept"]


@contextmanager
def answering(hook: hooks.Hook[Any], handler: Any) -> Iterator[None]:
    """Within the block, another app has registered this handler too."""
    hook.register(handler)
    try:
        yield
    finally:
        hook._handlers.remove(handler)
