"""What goes with its time here: who former people were, and reasons that were typed.

Unit, kind, role, party and times stay: they are of the seat, not of the person.
"""

from collections.abc import Collection
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from audit.services.recording import record_platform
from orgs.events import people as events
from orgs.models import (
    Account,
    Factor,
    FactorReset,
    MailedLink,
    Membership,
    MembershipChange,
    MembershipStatus,
    RecoveryCode,
    Session,
)
from semafore.kernel.hooks import RetentionSweep
from semafore.kernel.retention import blank, not_held, sweep_rows
from semafore.kernel.tenancy import locate


def on_retention_sweep(sweep: RetentionSweep) -> None:
    """Count or take a batch of each kind."""
    _sweep_memberships(sweep)
    changes = not_held(
        MembershipChange.objects.filter(at__lt=sweep.audit_before)
        .exclude(reason="")
        .order_by("at"),
        sweep.holds,
        since="at",
        until="at",
        person=lambda person_id: Q(membership_id=person_id) | Q(by_id=person_id),
    )
    sweep_rows(sweep, "membership_reasons", changes, blank(reason=""))
    resets = not_held(
        FactorReset.objects.filter(requested_at__lt=sweep.audit_before)
        .exclude(reason="", denial_reason="")
        .order_by("requested_at"),
        sweep.holds,
        since="requested_at",
        until="expires_at",
        person=lambda person_id: (
            Q(membership_id=person_id) | Q(requested_by_id=person_id) | Q(decided_by_id=person_id)
        ),
    )
    sweep_rows(sweep, "factor_reset_reasons", resets, blank(reason="", denial_reason=""))


def _sweep_memberships(sweep: RetentionSweep) -> None:
    end = MembershipChange.objects.filter(membership=OuterRef("pk"), status=MembershipStatus.ENDED)
    ended = Membership.objects.filter(status=MembershipStatus.ENDED).exclude(name="")
    memberships = not_held(
        ended.alias(ended_at=Subquery(end.values("at")[:1])).filter(
            ended_at__lt=sweep.metadata_before
        ),
        sweep.holds,
        since="created_at",
        until="ended_at",
        person=lambda person_id: Q(pk=person_id),
    )
    # With its account: two organisations that forget a person at once take turns, and the second
    # finds that nobody knows the account any more.
    sweep_rows(sweep, "memberships", memberships, _forget, beside=["account"])


def _forget(memberships: QuerySet[Membership]) -> int:
    accounts = list(memberships.values_list("account_id", flat=True))
    forgotten = memberships.update(name="", phone="", email="")
    _forget_accounts(accounts)
    return forgotten


def _forget_accounts(account_ids: Collection[UUID]) -> None:
    """Forget accounts that no organisation knows any more; nothing tells which, nor how many.

    A person who comes back is a new one.
    """
    knowing = (
        locate(Membership)
        .filter(account=OuterRef("pk"))
        .exclude(status=MembershipStatus.ENDED, name="")
    )
    unknown = list(
        Account.objects.filter(~Exists(knowing), pk__in=account_ids, is_operator=False)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    if not unknown:
        return
    Account.objects.filter(pk__in=unknown).update(
        phone=None, email=None, password=make_password(None), last_login=None
    )
    for secrets in (Factor, RecoveryCode, Session, MailedLink):
        secrets.objects.filter(account_id__in=unknown).delete()
    for account_id in unknown:
        record_platform(events.AccountForgotten(account_id=account_id))
