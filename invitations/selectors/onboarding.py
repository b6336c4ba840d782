"""Where an onboarding stands, and who holds its session."""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from invitations.models import Onboarding, State
from keys.models import DeviceStatus
from orgs.models import Account, Membership, MembershipStatus, Policy
from orgs.selectors.sign_in import has_factor
from semafore.kernel import clock
from semafore.kernel.actor import Actor
from semafore.kernel.permissions import Access, Requirement
from semafore.kernel.tenancy import locate

READABLE_AFTER_DECISION = timedelta(hours=24)
POLL_SECONDS = 10


class Status(StrEnum):
    """What the onboarding waits for, or how it ended (api.md, `GET onboarding/{id}`)."""

    PHONE = "phone"
    TOTP = "totp"
    DEVICE = "device"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an onboarding stands; `reason` is the administrator's, of a denial."""

    status: Status
    reason: str
    poll_after: int | None
    """Seconds until it is worth asking again; None when nothing will change by itself."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step that is still to come."""

    step: str
    required: bool
    set_up: bool
    """Of `totp`: there is no second factor yet, so it is set up before it is proved."""


@dataclass(frozen=True, slots=True)
class OnboardingCredential:
    """A device that onboards, as its session token shows it."""

    organisation_id: UUID
    onboarding_id: UUID
    label: str
    permissions: frozenset[Requirement] = frozenset({Access.ONBOARDING})

    def actor(self, origin: Actor) -> Actor:
        """Still nobody whom the organisation knows, but named as its invitation names them."""
        return replace(origin, id=self.onboarding_id, label=self.label)


def session_hash(token: str) -> bytes:
    """What is kept of a session token: SHA-256, for 32 random bytes need no stretching."""
    return sha256(token.encode()).digest()


def credential_of_session(token: str) -> OnboardingCredential | None:
    """What the token stands for; None once it was superseded, or decided about over a day ago."""
    onboarding = (
        locate(Onboarding)
        .select_related("invitation", "membership", "device")
        .filter(session_hash=session_hash(token))
        .first()
    )
    if onboarding is None:
        return None
    decided_at = onboarding.device.decided_at if onboarding.device else None
    if decided_at is not None and decided_at + READABLE_AFTER_DECISION <= clock.now():
        return None
    return OnboardingCredential(
        organisation_id=onboarding.organisation_id,
        onboarding_id=onboarding.id,
        label=person_name(onboarding),
    )


def person_name(onboarding: Onboarding) -> str:
    """The name that the organisation gave; invitation and membership must be loaded."""
    named = onboarding.invitation or onboarding.membership
    return named.name if named else ""


def totp_needed(onboarding: Onboarding) -> bool:
    """Whether the second factor must be proved before the device registers."""
    if onboarding.totp_proven_at is not None:
        return False
    return Policy.objects.get().totp_required or holds_factor(onboarding)


def holds_factor(onboarding: Onboarding) -> bool:
    """Whether the person is known and has a second factor, which alone will do then."""
    known = known_account(onboarding)
    return known is not None and has_factor(known)


def known_account(onboarding: Onboarding) -> Account | None:
    """Who the person is, where an endorsement or their membership says so."""
    if onboarding.account is not None:
        return onboarding.account
    return onboarding.membership.account if onboarding.membership else None


def steps_of(onboarding: Onboarding) -> list[Step]:
    """What is still to come once the phone is proved."""
    held = holds_factor(onboarding)
    totp = Step("totp", required=totp_needed(onboarding), set_up=not held)
    rest = [Step(step, required=True, set_up=False) for step in ("device", "approval")]
    return rest if onboarding.totp_proven_at else [totp, *rest]


def standing_of(onboarding_id: UUID) -> Standing:
    """Where an onboarding of the current organisation stands."""
    onboarding = Onboarding.objects.select_related(
        "invitation", "device", "account", "membership__account"
    ).get(id=onboarding_id)
    device, invitation = onboarding.device, onboarding.invitation
    if device is not None:
        match device.status:
            case DeviceStatus.PENDING:
                return Standing(Status.AWAITING_APPROVAL, "", POLL_SECONDS)
            case DeviceStatus.APPROVED:
                return Standing(Status.APPROVED, "", None)
        return Standing(Status.DENIED, device.denial_reason, None)
    if invitation is not None and invitation.state in (State.REVOKED, State.DECLINED):
        return Standing(Status.DENIED, invitation.reason, None)
    if onboarding.phone and onboarding.phone_verified_at is None:
        return Standing(Status.PHONE, "", None)
    return Standing(Status.TOTP if totp_needed(onboarding) else Status.DEVICE, "", None)


def known_before(membership: Membership) -> list[Membership]:
    """Earlier, ended memberships of this organisation with the same number, latest first.

    Only what the organisation itself knows: not whether the number has an account elsewhere.
    """
    if not membership.phone:
        return []
    earlier = Membership.objects.filter(
        phone=membership.phone, status=MembershipStatus.ENDED
    ).exclude(id=membership.id)
    return list(earlier.order_by("-created_at", "id"))
