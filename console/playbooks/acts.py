"""What playbooks do: one transaction each, whose last event names all the others.

A second time nothing is left to do and PlaybookDone says so; of two at once one waits for the
other's lock, and is the second.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from audit.models import Hold
from audit.services.recording import Ref, record, recorded_within
from audit.services.retention import lock_retention
from audit.services.retention.holds import place_hold
from console.errors import PlaybookDone
from console.events.playbooks import InvestigationOpened, PlaybookRun
from console.playbooks.catalogue import (
    INCIDENT_ROOM,
    LEAVER,
    LOST_PHONE,
    SUPPLIER_BREACH,
    Playbook,
)
from invitations.services.parties import party_ref
from keys.models import Device, RevocationReason
from keys.services.revocation import LIVE, revoke_device
from messaging.models import Room
from messaging.services.admission import GuestDraft
from messaging.services.ends import cut_off_party
from messaging.services.external import open_emergency_room
from messaging.services.periods import room_ref
from orgs.models import Membership, MembershipStatus
from orgs.services.memberships import end_membership, membership_ref
from semafore.kernel.actor import current_actor
from semafore.kernel.problems import NotFound
from semafore.kernel.tenancy import lock_organisation


@transaction.atomic
def report_lost(*, membership_id: UUID, device_ids: Collection[UUID], reason: str) -> UUID:
    """Revoke devices of one person as lost; the id of the record.

    Those that are revoked or denied already stay so. Raises NotFound for a device of anybody else,
    PlaybookDone when none is left.
    """
    # Whoever tries ids at random must not hold up the organisation: look before locking.
    person = _person(membership_id)
    lock_organisation()
    chosen = {one.id: one for one in Device.objects.filter(membership=person, id__in=device_ids)}
    if len(chosen) < len(set(device_ids)):
        raise NotFound
    with recorded_within() as events:
        for device_id, device in sorted(chosen.items()):
            if device.status in LIVE:
                revoke_device(device_id=device_id, reason=RevocationReason.LOST)
    if not events:
        raise PlaybookDone(detail=f"No device is left to revoke: {person.name}'s are revoked.")
    return _record(LOST_PHONE, events, reason, target=membership_ref(person))


@transaction.atomic
def let_go(*, membership_id: UUID, reason: str) -> UUID:
    """End a membership with all that hangs on it; the id of the record.

    Raises NotFound, PlaybookDone, OwnMembership, RoleAbove, LastOwner.
    """
    _person(membership_id)
    lock_organisation()
    person = _person(membership_id)
    if person.status == MembershipStatus.ENDED:
        raise PlaybookDone(detail=f"The membership of {person.name} has ended already.")
    with recorded_within() as events:
        end_membership(membership_id=membership_id, reason=reason)
    return _record(LEAVER, events, reason, target=membership_ref(person))


@transaction.atomic
def cut_off_supplier(*, party_id: UUID, reason: str) -> UUID:
    """End all that is shared with a party; the id of the record.

    Raises NotFound, NotPermitted, PlaybookDone.
    """
    with recorded_within() as events:
        party = cut_off_party(party_id=party_id, reason=reason)
    if len(events) == 1:
        # That it was cut off, and nothing that ended by it.
        raise PlaybookDone(detail=f"Nothing is shared with {party.name} any more.")
    return _record(SUPPLIER_BREACH, events, reason, target=party_ref(party))


@transaction.atomic
def open_incident_room(
    *,
    name: str,
    purpose: str,
    party: str,
    closes_at: datetime,
    member_ids: Collection[UUID],
    guests: Sequence[GuestDraft],
) -> UUID:
    """Open an emergency room at once; the id of the record.

    Raises what `open_emergency_room` does: RequestPending the second time.
    """
    with recorded_within() as events:
        request = open_emergency_room(
            name=name,
            purpose=purpose,
            party=party,
            closes_at=closes_at,
            member_ids=member_ids,
            guests=guests,
        )
    room = request.room
    company = party_ref(room.party) if room.party else None
    return _record(INCIDENT_ROOM, events, room.purpose, target=company, room=room_ref(room))


@transaction.atomic
def investigate(
    *,
    person: Membership | None,
    room: tuple[Room, str] | None,
    from_at: datetime | None,
    until_at: datetime | None,
    reason: str,
    case_reference: str,
) -> UUID:
    """Place a hold on a person or a room (with its title) and open the case; the record's id.

    Raises HoldInvalid, PlaybookDone for the same once more by the same person.
    """
    lock_retention()
    # Of the actor's own alone: what others examine nobody learns from a refusal (ADR 0015).
    before = Hold.objects.filter(
        person=person,
        room_id=room[0].id if room else None,
        from_at=from_at,
        until_at=until_at,
        case_reference=case_reference,
        placed_by=current_actor().membership_id,
        lifted_at=None,
    )
    if before.exists():
        raise PlaybookDone(detail="Your hold for this case is in force already.")
    about = membership_ref(person) if person else None
    where = Ref(kind="room", id=room[0].id, label=room[1]) if room else None
    with recorded_within() as events:
        hold = place_hold(
            person=about,
            room=where,
            from_at=from_at,
            until_at=until_at,
            reason=reason,
            case_reference=case_reference,
        )
    opened = InvestigationOpened(
        hold_id=hold.id, reason=reason, case_reference=case_reference, events=list(events)
    )
    target = Ref(kind="hold", id=hold.id, label=case_reference)
    return record(opened, target=target, subject=about, room=where).event_id


def _person(membership_id: UUID) -> Membership:
    """Raises NotFound."""
    person = Membership.objects.filter(id=membership_id).first()
    if person is None:
        raise NotFound
    return person


def _record(
    playbook: Playbook,
    events: Sequence[UUID],
    reason: str,
    *,
    target: Ref | None,
    room: Ref | None = None,
) -> UUID:
    run = PlaybookRun(playbook=playbook.title, reason=reason, events=list(events))
    return record(run, target=target, room=room).event_id
