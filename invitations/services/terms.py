"""What an invitation may give, and who may give it."""

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from invitations.errors import InvitationTerms, MemberHasDevice
from invitations.models import Channel, Purpose
from invitations.selectors.people import active_members
from keys.models import Device
from keys.services.enrolment import LIVE
from orgs.models import Membership, MembershipStatus, Policy, Role
from orgs.roles import permissions_of
from orgs.services.accounts import normalise_phone
from semafore.kernel import clock
from semafore.kernel.actor import ActorKind, current_actor
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound, NotPermitted

VALID_DAYS = 7
LEAST_VALID_DAYS, MOST_VALID_DAYS = 1, 30

BY_EMAIL = (Purpose.CONSOLE, Purpose.FOUNDING)
"""Redeemed by whoever reads the mail; the others by whoever answers the phone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """An invitation to be issued.

    `membership_id` is the member whose device is replaced, `sponsor_id` the member who answers for
    a guest. Whoever may send the same draft twice keeps its `id`: it is issued once.
    """

    purpose: Purpose
    name: str = ""
    channel: Channel = Channel.EMAIL
    phone: str = ""
    email: str = ""
    role: Role = Role.MEMBER
    unit: str = ""
    party: str = ""
    sponsor_id: UUID | None = None
    room_id: UUID | None = None
    membership_ends_at: datetime | None = None
    membership_id: UUID | None = None
    valid_days: int = VALID_DAYS
    id: UUID = field(default_factory=uuid4)


def may_give_roles(roles: Collection[str]) -> bool:
    """Whether the actor may invite people as these: a role beyond member takes an owner."""
    actor = current_actor()
    if actor.kind in (ActorKind.SYSTEM, ActorKind.OPERATOR):
        return True
    if actor.membership_id is None:
        return False
    issuer = Membership.objects.filter(
        id=actor.membership_id, status=MembershipStatus.ACTIVE
    ).first()
    if issuer is None:
        return False
    needed = {Permission.MEMBERS_INVITE}
    if set(roles) - {Role.MEMBER}:
        needed.add(Permission.ROLES_MANAGE)
    return needed <= permissions_of(issuer.kind, issuer.role)


def check_roles(roles: Collection[str]) -> None:
    """Nobody hands out a role that they may not give. Raises NotPermitted."""
    if not may_give_roles(roles):
        raise NotPermitted(detail="Your role does not allow you to invite people as this.")


def check_approver(member: Membership) -> None:
    """Raises NotPermitted when the helpdesk would let in somebody with a role beyond member."""
    actor_id = current_actor().membership_id
    if member.role == Role.MEMBER or actor_id is None:
        return
    approver = Membership.objects.get(id=actor_id)
    if Permission.PEOPLE_MANAGE not in permissions_of(approver.kind, approver.role):
        raise NotPermitted(
            detail="For a person with this role, an owner or an admin has to approve it."
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """What the organisation says of a list of drafts, read once for all of them."""

    sponsors: frozenset[UUID]
    guest_until: datetime


def limits_for(drafts: Sequence[Draft]) -> Limits:
    """Which of the sponsors named are active members, and how long a guest may stay."""
    named = {draft.sponsor_id for draft in drafts if draft.purpose == Purpose.GUEST}
    return Limits(
        sponsors=frozenset(active_members().filter(id__in=named).values_list("id", flat=True)),
        guest_until=clock.now() + timedelta(days=Policy.objects.get().guest_stay_days),
    )


def check_terms(draft: Draft, limits: Limits) -> Draft:
    """The draft, phone and email in their one spelling, and nothing in it of another purpose.

    Raises InvitationTerms, PhoneInvalid, MemberHasDevice, NotFound (the member to be equipped).
    """
    if not LEAST_VALID_DAYS <= draft.valid_days <= MOST_VALID_DAYS:
        raise InvitationTerms(
            detail=f"An invitation is valid for {LEAST_VALID_DAYS} to {MOST_VALID_DAYS} days."
        )
    if draft.membership_ends_at is not None and draft.membership_ends_at <= clock.now():
        raise InvitationTerms(detail=f"{draft.name}'s membership would have ended already.")
    if draft.purpose == Purpose.GUEST:
        return _by_phone(_guest(draft, limits))
    draft = dataclasses.replace(draft, party="", sponsor_id=None, room_id=None)
    if draft.purpose == Purpose.DEVICE:
        return _by_phone(_device(draft))
    draft = dataclasses.replace(draft, membership_id=None)
    if draft.purpose == Purpose.MEMBER:
        return _by_phone(draft)
    return dataclasses.replace(draft, phone="", email=_email(draft), channel=Channel.EMAIL)


def _by_phone(draft: Draft) -> Draft:
    email = _email(draft) if draft.email or draft.channel == Channel.EMAIL else ""
    return dataclasses.replace(draft, phone=normalise_phone(draft.phone), email=email)


def _email(draft: Draft) -> str:
    email = draft.email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise InvitationTerms(detail=f"{draft.name} needs a valid email address.") from None
    return email


def _guest(draft: Draft, limits: Limits) -> Draft:
    if draft.role != Role.MEMBER:
        raise InvitationTerms(detail="A guest has no role.")
    party = " ".join(draft.party.split())
    if not party:
        raise InvitationTerms(detail=f"{draft.name} needs the company that the guest is from.")
    if draft.sponsor_id not in limits.sponsors:
        raise InvitationTerms(detail=f"{draft.name} needs a sponsor who is an active member.")
    if draft.membership_ends_at is None or draft.membership_ends_at > limits.guest_until:
        raise InvitationTerms(
            detail=f"{draft.name} needs an end of the stay, at the latest on "
            f"{limits.guest_until:%-d %B %Y} by the organisation's policy."
        )
    return dataclasses.replace(draft, party=party, membership_id=None)


def _device(draft: Draft) -> Draft:
    if draft.membership_id is None:
        raise NotFound
    member = active_members().filter(id=draft.membership_id).first()
    if member is None:
        raise NotFound
    if Device.objects.filter(membership=member, status__in=LIVE).exists():
        raise MemberHasDevice(
            detail=f"{member.name} has a device: link another one from it, or revoke it first."
        )
    if not member.phone:
        raise InvitationTerms(detail=f"{member.name} has no phone number to prove.")
    return dataclasses.replace(
        draft,
        name=member.name,
        phone=member.phone,
        email=member.email,
        role=Role.MEMBER,
        unit=member.unit,
        membership_ends_at=None,
    )
