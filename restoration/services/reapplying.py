"""Lost events carried out again, as far as they take something away.

What restricted somebody, or kept something, stands again: an end, a revocation, a hold. What gave
somebody something is left to people: they decide anew, and see what the restore has undone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.db import transaction

from audit.models import Hold
from audit.services.retention.holds import place_hold
from audit.services.retention.periods import NAMES, days, locked_periods, set_periods
from invitations.models import Invitation, State
from invitations.services.changes import revoke
from invitations.services.voiding import kill_links
from keys.models import Device, DeviceStatus, RevocationReason
from keys.services.enrolment import deny_device
from keys.services.revocation import LIVE, revoke_device
from keys.services.voiding import raise_floors
from messaging.models import Room, RoomMembership
from messaging.services.ends import UNCLOSED, end_room
from messaging.services.periods import end_period, room_ref
from orgs.models import Membership, MembershipStatus, Role
from orgs.roles import permissions_of
from orgs.services.ends import change_end
from orgs.services.memberships import (
    change_role,
    end_membership,
    membership_ref,
    suspend_membership,
)
from restoration.lost_events import SUCCESS, LostEvent
from semafore.kernel import clock
from semafore.kernel.problems import Problem


class Outcome(StrEnum):
    """What became of a lost event."""

    REAPPLIED = "reapplied"
    STANDING = "standing"
    """It is so already."""
    NOTED = "noted"
    """There is nothing to carry out: it was seen, sent or signed in, or it does itself again."""
    AGAIN = "again"
    """A person has to decide anew, or to look."""


@dataclass(frozen=True, slots=True)
class Reapplied:
    """A lost event, what became of it, and why that, if it can be said."""

    event: LostEvent
    outcome: Outcome
    detail: str = ""


def reapply(events: Sequence[LostEvent]) -> list[Reapplied]:
    """Carry out what can be, in the order given, in the organisation in scope.

    In the caller's transaction, as the server itself. Nothing is done twice.
    """
    return [_reapply(event) for event in events]


def _reapply(event: LostEvent) -> Reapplied:
    handler = HANDLERS.get(event.type)
    if event.outcome != SUCCESS or event.type.startswith(NOTHING_TO_DO):
        return Reapplied(event, Outcome.NOTED)
    if handler is None:
        return Reapplied(event, Outcome.AGAIN)
    try:
        with transaction.atomic():
            outcome = handler(event)
    except Problem as problem:
        return Reapplied(event, Outcome.AGAIN, problem.detail)
    except (KeyError, TypeError, ValueError):
        return Reapplied(event, Outcome.AGAIN, "The copy doesn't hold all of it.")
    if outcome is None:
        return Reapplied(event, Outcome.AGAIN, "It names what the backup doesn't hold.")
    return Reapplied(event, outcome)


def _standing(found: object | None) -> Outcome | None:
    return Outcome.STANDING if found else None


def _reason(event: LostEvent) -> str:
    return event.reason or "Carried out again after a restore."


def _end(event: LostEvent) -> Outcome | None:
    member = _member(event)
    if member is None or member.status == MembershipStatus.ENDED:
        return _standing(member)
    end_membership(membership_id=member.id, reason=_reason(event))
    return Outcome.REAPPLIED


def _suspend(event: LostEvent) -> Outcome | None:
    member = _member(event)
    if member is None or member.status in {MembershipStatus.ENDED, MembershipStatus.SUSPENDED}:
        return _standing(member)
    suspend_membership(membership_id=member.id, reason=_reason(event))
    return Outcome.REAPPLIED


def _bring_end_forward(event: LostEvent) -> Outcome | None:
    member = _member(event)
    if member is None:
        return None
    if event.data["after"] is None:
        return Outcome.AGAIN
    after = datetime.fromisoformat(event.data["after"])
    if member.status == MembershipStatus.ENDED or member.ends_at == after:
        return Outcome.STANDING
    if member.ends_at and member.ends_at < after:
        return Outcome.AGAIN
    if after <= clock.now():
        end_membership(membership_id=member.id, reason=_reason(event))
    else:
        change_end(membership_id=member.id, ends_at=after)
    return Outcome.REAPPLIED


def _lower_role(event: LostEvent) -> Outcome | None:
    member, after = _member(event), Role(event.data["after"])
    if member is None or member.role == after:
        return _standing(member)
    if not permissions_of(member.kind, after) < permissions_of(member.kind, member.role):
        return Outcome.AGAIN
    change_role(membership_id=member.id, role=after)
    return Outcome.REAPPLIED


def _revoke_device(event: LostEvent) -> Outcome | None:
    device = Device.objects.filter(id=event.about["device"]).first()
    if device is None or device.status not in LIVE:
        return _standing(device)
    revoke_device(device_id=device.id, reason=RevocationReason(event.reason))
    return Outcome.REAPPLIED


def _deny_device(event: LostEvent) -> Outcome | None:
    device = Device.objects.filter(id=event.about["device"]).first()
    if device is None or device.status != DeviceStatus.PENDING:
        return _standing(device)
    deny_device(device_id=device.id, reason=_reason(event))
    return Outcome.REAPPLIED


def _raise_floor(event: LostEvent) -> Outcome | None:
    raise_floors({event.about["device"]: int(event.data["highest_key_id"])})
    return Outcome.REAPPLIED


def _revoke_invitation(event: LostEvent) -> Outcome | None:
    invitation = Invitation.objects.filter(id=event.about["invitation"]).first()
    if invitation is None or invitation.state in {State.REVOKED, State.DECLINED}:
        return _standing(invitation)
    revoke(invitation_id=invitation.id, reason=_reason(event))
    return Outcome.REAPPLIED


def _kill_links(event: LostEvent) -> Outcome | None:
    invitation_id, number = event.about["invitation"], int(event.data["issue_number"])
    killed = kill_links(invitation_id=invitation_id, issue_number=number)
    return Outcome.REAPPLIED if killed else Outcome.STANDING


def _close_room(event: LostEvent) -> Outcome | None:
    room = _room(event)
    if room is None or room.status not in UNCLOSED:
        return _standing(room)
    end_room(room, reason=_reason(event))
    return Outcome.REAPPLIED


def _leave_room(event: LostEvent) -> Outcome | None:
    periods = RoomMembership.objects.filter(
        room_id=event.about["room"], membership_id=event.about["member"]
    ).select_related("room", "membership")
    period = periods.filter(ended_at=None).first()
    if period is None:
        return Outcome.STANDING if periods.exists() else None
    end_period(period, reason=_reason(event))
    return Outcome.REAPPLIED


def _place_hold(event: LostEvent) -> Outcome | None:
    if Hold.objects.filter(id=event.data["hold_id"]).exists():
        return Outcome.STANDING
    member, room = _member(event), _room(event)
    if ("member" in event.about and member is None) or ("room" in event.about and room is None):
        return None
    from_at, until_at = event.data["from_at"], event.data["until_at"]
    place_hold(
        hold_id=event.data["hold_id"],
        person=membership_ref(member) if member else None,
        room=room_ref(room) if room else None,
        from_at=datetime.fromisoformat(from_at) if from_at else None,
        until_at=datetime.fromisoformat(until_at) if until_at else None,
        reason=_reason(event),
        case_reference=event.data["case_reference"],
    )
    return Outcome.REAPPLIED


def _lengthen_retention(event: LostEvent) -> Outcome | None:
    periods = locked_periods()
    before = days(periods)
    longer = {name: max(before[name], int(event.data["after"][name])) for name in NAMES}
    if longer == before:
        shorter = any(int(event.data["after"][name]) < before[name] for name in NAMES)
        return Outcome.AGAIN if shorter else Outcome.STANDING
    set_periods(periods, longer, reason=_reason(event), request=None)
    return Outcome.REAPPLIED


def _member(event: LostEvent) -> Membership | None:
    member_id = event.about.get("member")
    return Membership.objects.filter(id=member_id).first() if member_id else None


def _room(event: LostEvent) -> Room | None:
    room_id = event.about.get("room")
    return Room.objects.filter(id=room_id).first() if room_id else None


Handler = Callable[[LostEvent], Outcome | None]
"""None: it names what the backup doesn't hold."""

HANDLERS: Final[Mapping[str, Handler]] = {
    "member.ended": _end,
    "member.suspended": _suspend,
    "member.end_changed": _bring_end_forward,
    "member.role_changed": _lower_role,
    "device.revoked": _revoke_device,
    "device.denied": _deny_device,
    "key_bundle.published": _raise_floor,
    "invitation.revoked": _revoke_invitation,
    "invitation.declined": _revoke_invitation,
    "invitation.link_renewed": _kill_links,
    "room.closed": _close_room,
    "room.member_removed": _leave_room,
    "hold.placed": _place_hold,
    "retention.changed": _lengthen_retention,
}

NOTHING_TO_DO: Final = (
    "access.",
    "approvers.",
    "audit.",
    "broadcast.",
    "claim.",
    "console.",
    "database.",
    "device.authenticat",
    "device.woken",
    "export.",
    "hold.lift_requested",
    "invitation.delivery_failed",
    "invitation.expired",
    "invitation.resent",
    "invitation.sent",
    "key_bundle.claim",
    "key_bundle.withdrawn",
    "link_token.",
    "log.",
    "message.",
    "onboarding.",
    "party.cut_off",
    "phone_code.",
    "playbook.",
    "push_token.",
    "report.",
    "retention.change_requested",
    "retention.swept",
    "room.end_announced",
    "room.request_lapsed",
    "screenshot.",
    "service_token.",
    "session.",
    "siem.canary",
    "siem.failing",
    "siem.misconfigured",
    "siem.overtaken",
    "siem.parked",
    "siem.recovered",
    "siem.retention_near",
    "siem.tested",
    "signed_pre_key.",
)
"""What these begin with was seen, said or sent; its parts are events of their own; what it is of is
void; or the device or the server does it again by itself."""
