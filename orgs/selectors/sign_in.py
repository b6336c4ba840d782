"""What the pages of sign-in and account read."""

from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.db.models import QuerySet

from orgs.models import (
    Account,
    Attempts,
    Factor,
    FactorReset,
    FactorResetStatus,
    LinkPurpose,
    MailedLink,
    Membership,
    MembershipKind,
    MembershipStatus,
    RecoveryCode,
    Role,
    Session,
)
from semafore.kernel import clock
from semafore.kernel.problems import NotFound
from semafore.kernel.sealing import keyed_hash

MOST_WRONG = 5
LOCKED_FOR = timedelta(minutes=15)


def account_by_email(email: str) -> Account | None:
    """The account that signs in with this email, in any case of letters."""
    return Account.objects.filter(email=email.strip().lower()).first()


def has_factor(account: Account) -> bool:
    """Whether the person has an authenticator that works."""
    return Factor.objects.filter(account=account, confirmed_at__isnull=False).exists()


def needs_factor_link(account: Account) -> bool:
    """Whether the next authenticator is set up by a mailed link only: after a reset."""
    return Factor.objects.filter(
        account=account, confirmed_at__isnull=True, set_up_by_link=True
    ).exists()


def recovery_codes_left(account: Account) -> int:
    """Unused ones."""
    return RecoveryCode.objects.filter(account=account, used_at=None).count()


def subject_of(email: str) -> bytes:
    """What the attempts on an email are counted under."""
    return keyed_hash("sign-in", email.strip().lower().encode())


def locked_until(attempts: Attempts | None) -> datetime | None:
    """When the lock lifts; None when there is none."""
    if attempts is None or max(attempts.passwords, attempts.codes) < MOST_WRONG:
        return None
    until = attempts.last_at + LOCKED_FOR
    return until if until > clock.now() else None


def sessions_of(account: Account) -> QuerySet[Session]:
    """The browsers in which the person is signed in, the last used first."""
    return Session.objects.filter(account=account, expire_date__gt=clock.now()).order_by(
        "-last_seen_at", "id"
    )


def token_hash(token: str) -> bytes:
    """What a mailed link is kept as. Its token has 256 random bits: no key is needed."""
    return sha256(token.encode()).digest()


def usable_links(purpose: LinkPurpose) -> QuerySet[MailedLink]:
    """Links of this purpose that are neither used nor expired."""
    return MailedLink.objects.select_related("account").filter(
        purpose=purpose, used_at=None, expires_at__gt=clock.now(), account__is_active=True
    )


def find_link(token: str, purpose: LinkPurpose) -> MailedLink | None:
    """The usable link with this token."""
    return usable_links(purpose).filter(token_hash=token_hash(token)).first()


def pending_factor_resets() -> QuerySet[FactorReset]:
    """Requests of the current organisation that wait for a second person, the oldest first."""
    return (
        FactorReset.objects.select_related("membership", "requested_by")
        .filter(status=FactorResetStatus.PENDING, expires_at__gt=clock.now())
        .order_by("requested_at")
    )


def get_factor_reset(reset_id: UUID) -> FactorReset:
    """A request of the current organisation, decided or not. Raises NotFound."""
    found = (
        FactorReset.objects.select_related("membership", "requested_by", "decided_by")
        .filter(id=reset_id)
        .first()
    )
    if found is None:
        raise NotFound
    return found


def owner_called(email: str) -> Membership:
    """The owner of the current organisation who signs in with this email. Raises NotFound."""
    found = Membership.objects.filter(
        account__email=email.strip().lower(), role=Role.OWNER, status=MembershipStatus.ACTIVE
    ).first()
    if found is None:
        raise NotFound(detail="No owner of this organisation signs in with this email.")
    return found


def get_resettable(membership_id: UUID) -> Membership:
    """A member of the current organisation whose factor can be reset. Raises NotFound."""
    found = Membership.objects.filter(id=membership_id, kind=MembershipKind.MEMBER).first()
    if found is None:
        raise NotFound
    return found
