"""The first steps of an onboarding: open the invitation, prove the phone."""

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from audit.services.denials import Denial
from audit.services.recording import Ref, record
from invitations.errors import (
    CodeLimit,
    CodeLocked,
    InvitationExpired,
    InvitationRevoked,
    InvitationUnknown,
    OnboardingState,
)
from invitations.events import onboarding as events
from invitations.models import Invitation, LinkToken, Onboarding, Purpose, State
from invitations.selectors.onboarding import Step, session_hash, steps_of
from invitations.services.linking import LINK_PREFIX, check_link, find_link
from invitations.services.phone_codes import check_code, want_code
from invitations.services.progress import advance, invitation_ref, locked_invitation
from invitations.services.tokens import check_usable, find_invitation
from invitations.tasks.onboarding import send_phone_code
from orgs.models import Membership, MembershipStatus
from orgs.services.memberships import membership_ref
from semafore.kernel import clock
from semafore.kernel.problems import NotFound, Problem
from semafore.kernel.tasks import queue_after_commit
from semafore.kernel.tenancy import locate, organisation_scope

LIFETIME = timedelta(hours=24)
"""Within which a device registers; starting again is always possible."""

SESSION_PREFIX = "sfo_"
ON_PAPER = (Purpose.MEMBER, Purpose.GUEST, Purpose.DEVICE)
"""What a device can redeem; the others are for a browser."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session token, in clear this once, and what is to come."""

    session_token: str = field(repr=False)
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class Started:
    """An onboarding; with its session at once where there is no phone to prove."""

    onboarding: Onboarding
    kind: str
    session: Session | None = None


def start_onboarding(*, token: str) -> Started:
    """Open an invitation or a link, and have a code sent to the number that it names.

    The same invitation again gives the same onboarding while the phone isn't proved, and then a new
    one, which ends the session before, until a device has registered. A link serves once. Raises
    InvitationUnknown, InvitationExpired, InvitationRevoked, InvitationUsed.
    """
    if token.startswith(LINK_PREFIX):
        link = find_link(token)
        with organisation_scope(link.organisation_id):
            return _start_by_link(link)
    invitation = find_invitation(token)
    with organisation_scope(invitation.organisation_id):
        return _start_by_invitation(invitation.id)


@transaction.atomic
def _start_by_invitation(invitation_id: UUID) -> Started:
    invitation = locked_invitation(invitation_id)
    if invitation.purpose not in ON_PAPER:
        raise InvitationUnknown
    check_usable(invitation)
    if invitation.membership_id is not None:
        _check_member(invitation.membership_id)
    kind = "guest" if invitation.purpose == Purpose.GUEST else "member"
    live = (
        Onboarding.objects.select_for_update(no_key=True)
        .filter(invitation=invitation, superseded_at=None)
        .first()
    )
    if live is None or live.phone_verified_at is not None or live.expires_at <= clock.now():
        live = _succeed(invitation, live)
    _want_code_quietly(live)
    return Started(live, kind)


def _succeed(invitation: Invitation, before: Onboarding | None) -> Onboarding:
    """A fresh onboarding; the tries at a second factor count on."""
    if before is not None:
        before.superseded_at, before.session_hash = clock.now(), None
        before.save(update_fields=["superseded_at", "session_hash"])
    onboarding = Onboarding.objects.create(
        organisation_id=invitation.organisation_id,
        invitation=invitation,
        membership_id=invitation.membership_id,
        phone=invitation.phone,
        expires_at=min(clock.now() + LIFETIME, invitation.expires_at),
        totp_tries=before.totp_tries if before else 0,
        totp_locked_until=before.totp_locked_until if before else None,
    )
    started = events.OnboardingStarted(onboarding_id=onboarding.id)
    if invitation.state == State.ISSUED:
        advance(invitation, State.OPENED, started)
    else:
        record(started, target=invitation_ref(invitation))
    return onboarding


def _check_member(membership_id: UUID) -> Membership:
    """Raises InvitationRevoked when the person whose device it is for is not active any more."""
    member = Membership.objects.filter(id=membership_id, status=MembershipStatus.ACTIVE).first()
    if member is None:
        raise InvitationRevoked
    return member


@transaction.atomic
def _start_by_link(link: LinkToken) -> Started:
    member = check_link(link)
    onboarding = Onboarding.objects.create(
        organisation_id=link.organisation_id,
        link_token=link,
        membership=member,
        phone=member.phone,
        expires_at=clock.now() + LIFETIME,
    )
    record(
        events.OnboardingStarted(onboarding_id=onboarding.id),
        target=membership_ref(member),
    )
    if not member.phone:
        return Started(onboarding, member.kind, _open_session(onboarding))
    _want_code_quietly(onboarding)
    return Started(onboarding, member.kind)


def _want_code_quietly(onboarding: Onboarding) -> None:
    # Whoever only opens the invitation again gets it; the code of before may still be good.
    with suppress(CodeLimit, CodeLocked):
        _want_code(onboarding)


def _want_code(onboarding: Onboarding) -> None:
    proof_id = want_code(phone=onboarding.phone, subject_id=onboarding.id)
    queue_after_commit(send_phone_code, onboarding.organisation_id, proof_id)


def _organisation_of(onboarding_id: UUID) -> UUID:
    """Raises NotFound. The id is known to the device alone; it proves nothing but that."""
    onboarding = locate(Onboarding).filter(id=onboarding_id).first()
    if onboarding is None:
        raise NotFound
    return onboarding.organisation_id


def locked_onboarding(onboarding_id: UUID) -> Onboarding:
    """The onboarding, its invitation locked before it, with the people it is about.

    Raises NotFound once it was superseded; InvitationRevoked, InvitationUsed, InvitationExpired,
    which hold until the device has registered.
    """
    found = Onboarding.objects.filter(id=onboarding_id).first()
    if found is None:
        raise NotFound
    invitation = locked_invitation(found.invitation_id) if found.invitation_id else None
    onboarding = (
        Onboarding.objects.select_for_update(of=("self",), no_key=True)
        .select_related("invitation", "membership__account", "account")
        .get(id=onboarding_id)
    )
    if onboarding.superseded_at is not None:
        raise NotFound
    if onboarding.device_id is not None:
        return onboarding
    if invitation is not None:
        onboarding.invitation = invitation
        check_usable(invitation)
    if onboarding.membership_id is not None:
        _check_member(onboarding.membership_id)
    if onboarding.expires_at <= clock.now():
        raise InvitationExpired(detail="This took too long. Open the invitation again.")
    return onboarding


def onboarding_ref(onboarding: Onboarding) -> Ref | None:
    """What an onboarding is about, as events name it."""
    if onboarding.invitation is not None:
        return invitation_ref(onboarding.invitation)
    return membership_ref(onboarding.membership) if onboarding.membership else None


def send_phone_code_again(*, onboarding_id: UUID) -> None:
    """Have another code sent.

    Raises NotFound, OnboardingState, CodeLimit, CodeLocked, and as the invitation's state asks.
    """
    with organisation_scope(_organisation_of(onboarding_id)), transaction.atomic():
        onboarding = locked_onboarding(onboarding_id)
        if not onboarding.phone or onboarding.phone_verified_at is not None:
            raise OnboardingState(detail="The phone is proved already.")
        _want_code(onboarding)


def prove_phone(*, onboarding_id: UUID, code: str) -> Session:
    """Exchange the code for a session.

    Raises NotFound, OnboardingState, CodeWrong, CodeLocked, and as the invitation's state asks.
    """
    with organisation_scope(_organisation_of(onboarding_id)):
        outcome = _prove_phone(onboarding_id, code)
    if isinstance(outcome, Problem):
        raise outcome
    return outcome


@transaction.atomic
def _prove_phone(onboarding_id: UUID, code: str) -> Session | Problem:
    onboarding = locked_onboarding(onboarding_id)
    if not onboarding.phone or onboarding.phone_verified_at is not None:
        raise OnboardingState(detail="The phone is proved already. Start again if it wasn't you.")
    refusal = check_code(phone=onboarding.phone, subject_id=onboarding.id, code=code)
    if refusal is not None:
        return refused(refusal, onboarding, factor="phone")
    onboarding.phone_verified_at = clock.now()
    onboarding.save(update_fields=["phone_verified_at"])
    proved, invitation = (
        events.OnboardingPhoneProved(onboarding_id=onboarding.id),
        onboarding.invitation,
    )
    if invitation is not None and invitation.state == State.OPENED:
        advance(invitation, State.PHONE_VERIFIED, proved)
    else:
        record(proved, target=onboarding_ref(onboarding))
    return _open_session(onboarding)


def _open_session(onboarding: Onboarding) -> Session:
    token = SESSION_PREFIX + secrets.token_urlsafe(32)
    onboarding.session_hash = session_hash(token)
    onboarding.save(update_fields=["session_hash"])
    return Session(session_token=token, steps=steps_of(onboarding))


def refused(problem: Problem, onboarding: Onboarding, *, factor: str) -> Problem:
    """The refusal of a code, with what the audit log is to say of it."""
    denied = events.OnboardingRefused(factor=factor, reason=problem.code)
    problem.denial = Denial(denied, onboarding_ref(onboarding), onboarding.organisation_id)
    return problem
