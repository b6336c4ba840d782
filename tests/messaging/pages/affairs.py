"""Rows of a busy organisation: an external room with guests, messages, deliveries, reports."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.test import Client
from django.urls import reverse

from keys.models import Device
from messaging.models import (
    Broadcast,
    Delivery,
    Message,
    Outcome,
    RequestDecision,
    RequestKind,
    RequestStatus,
    Room,
    RoomKind,
    RoomMembership,
    RoomRequest,
    RoomRole,
    RoomStatus,
    ScreenshotReport,
)
from orgs.models import ExternalParty, Membership, MembershipKind, Organisation
from semafore.kernel import clock
from semafore.kernel.ids import first_uuid7
from tests import cast
from tests.cast import inside


def get(person: Membership | Client, of: Organisation, name: str, *args: Any, **query: Any) -> Any:
    """A page as somebody sees it, who may be signed in already."""
    browser = person if isinstance(person, Client) else cast.signed_in(person)
    return browser.get(reverse(name, args=[of.slug, *args], query=query or None))


def ago(**span: float) -> datetime:
    """So long before now."""
    return clock.now() - timedelta(**span)


def party(of: Organisation, name: str = "Calder Medical") -> ExternalParty:
    """A company, known already or new."""
    with inside(of):
        return ExternalParty.objects.get_or_create(organisation_id=of.id, name=name)[0]


def guest(of: Organisation, name: str, sponsor: Membership, company: ExternalParty) -> Membership:
    """Somebody of the company."""
    person = cast.member(of, name)
    with inside(of):
        Membership.objects.filter(id=person.id).update(
            kind=MembershipKind.GUEST,
            sponsor=sponsor,
            party=company,
            ends_at=clock.now() + timedelta(days=30),
        )
        return Membership.objects.get(id=person.id)


def external(of: Organisation, *people: Membership, company: ExternalParty, **fields: Any) -> Room:
    """An active external room of these people, the first its administrator, for ten days."""
    with inside(of):
        room = Room.objects.create(
            **{
                "organisation_id": of.id,
                "kind": RoomKind.EXTERNAL,
                "name": "Scanner recall",
                "party": company,
                "purpose": "Agree how the scanners are recalled.",
                "closes_at": clock.now() + timedelta(days=10),
                "created_by": people[0],
                **fields,
            }
        )
        RoomMembership.objects.bulk_create(
            RoomMembership(
                organisation_id=of.id,
                room=room,
                membership=person,
                added_by=people[0],
                role=RoomRole.MEMBER if number else RoomRole.ADMINISTRATOR,
            )
            for number, person in enumerate(people)
        )
    return room


def direct(of: Organisation, one: Membership, other: Membership) -> Room:
    """The room of two."""
    first, second = sorted((str(one.id), str(other.id)))
    with inside(of):
        room = Room.objects.create(
            organisation_id=of.id, kind=RoomKind.DIRECT, pair=f"{first}:{second}", created_by=one
        )
        RoomMembership.objects.bulk_create(
            RoomMembership(organisation_id=of.id, room=room, membership=person, added_by=one)
            for person in (one, other)
        )
    return room


def message(
    of: Organisation,
    device: Device,
    *,
    room: Room | None = None,
    broadcast: Broadcast | None = None,
    at: datetime | None = None,
    to: tuple[Device, ...] = (),
    outcome: str = Outcome.DELIVERED,
    **fields: Any,
) -> Message:
    """A message that transited, and was delivered to these a minute later."""
    at = at or clock.now()
    with inside(of):
        sent = Message.objects.create(
            **{
                "id": _id_at(at),
                "organisation_id": of.id,
                "message_id": uuid4(),
                "room": room,
                "broadcast": broadcast,
                "sender_id": device.membership_id,
                "sender_device": device,
                "accepted_at": at,
                "envelopes": len(to),
                "size": 600 * len(to),
                "event_id": uuid4(),
                "receipt": "",
                **fields,
            }
        )
        Delivery.objects.bulk_create(
            Delivery(
                organisation_id=of.id,
                message=sent,
                device=one,
                outcome=outcome,
                at=at + timedelta(minutes=1),
            )
            for one in to
        )
    return sent


def _id_at(at: datetime) -> UUID:
    """As if it had been given out then; the last bits keep several of a moment apart."""
    return UUID(int=first_uuid7(at).int | (uuid4().int & ((1 << 80) - 1)))


def request(of: Organisation, room: Room, by: Membership, **fields: Any) -> RoomRequest:
    """A request about a room, pending."""
    with inside(of):
        return RoomRequest.objects.create(
            **{
                "organisation_id": of.id,
                "room": room,
                "kind": RequestKind.EXTENSION,
                "requested_by": by,
                "reason": "The parts come later.",
                "closes_at": clock.now() + timedelta(days=20),
                **fields,
            }
        )


def decide(of: Organisation, asked: RoomRequest, by: Membership, *, approved: bool) -> None:
    """Decide it, alone."""
    with inside(of):
        asked.status = RequestStatus.APPROVED if approved else RequestStatus.DENIED
        asked.decided_at = clock.now()
        asked.decision_reason = "" if approved else "Not this quarter."
        asked.save()
        RequestDecision.objects.create(
            organisation_id=of.id, request=asked, by=by, approved=approved
        )


def screenshot(of: Organisation, room: Room, device: Device, **fields: Any) -> ScreenshotReport:
    """A report of one."""
    with inside(of):
        return ScreenshotReport.objects.create(
            **{
                "organisation_id": of.id,
                "room": room,
                "membership_id": device.membership_id,
                "device": device,
                "taken_at": clock.now(),
                "platform": "ios",
                "event_id": uuid4(),
                **fields,
            }
        )


def close(of: Organisation, room: Room, by: Membership) -> None:
    """Close it, and end everybody's period."""
    now = clock.now()
    with inside(of):
        RoomMembership.objects.filter(room=room, ended_at=None).update(
            ended_at=now, ended_by=by, end_reason="The recall is over."
        )
        Room.objects.filter(id=room.id).update(
            status=RoomStatus.CLOSED,
            closed_at=now,
            closed_by=by,
            close_reason="The recall is over.",
        )
