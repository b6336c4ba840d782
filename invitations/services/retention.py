"""What goes with its time here: whom invitations named, and ways in that are over."""

from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from invitations.models import OVER, Invitation, Onboarding, PhoneChange, PhoneProof
from keys.models import DeviceStatus
from orgs.models import MembershipStatus
from semafore.kernel import clock
from semafore.kernel.hooks import RetentionSweep
from semafore.kernel.retention import blank, delete, not_held, sweep_rows


def on_retention_sweep(sweep: RetentionSweep) -> None:
    """Count or take a batch of each kind."""
    _sweep_proofs(sweep)
    _sweep_onboardings(sweep)
    _sweep_invitations(sweep)
    _sweep_phone_changes(sweep)


def _sweep_proofs(sweep: RetentionSweep) -> None:
    """Numbers whose code nobody waits for any more; before what tells whose they are."""
    before = sweep.metadata_before
    proofs = PhoneProof.objects.filter(
        Q(requested_at=None) | Q(requested_at__lt=before),
        Q(locked_until=None) | Q(locked_until__lt=clock.now()),
        requests_since__lt=before,
    )
    kept = not_held(
        proofs.alias(last_at=Coalesce("requested_at", "requests_since")).order_by("requests_since"),
        sweep.holds,
        since="requests_since",
        until="last_at",
        person=lambda person_id: (
            Q(subject_id__in=_onboardings_of(person_id).values("id"))
            | Q(subject_id__in=PhoneChange.objects.filter(membership_id=person_id).values("id"))
        ),
    )
    sweep_rows(sweep, "phone_proofs", kept, delete)


def _onboardings_of(person_id: UUID) -> QuerySet[Onboarding]:
    return Onboarding.objects.filter(
        Q(membership_id=person_id) | Q(invitation__membership_id=person_id)
    )


def _sweep_onboardings(sweep: RetentionSweep) -> None:
    """Ways in that led nowhere, or to a device that somebody decided about."""
    before = sweep.metadata_before
    over = Onboarding.objects.filter(
        Q(device=None)
        | Q(device__decided_at__lt=before)
        | Q(device__decided_at=None, device__revoked_at__lt=before),
        expires_at__lt=before,
    ).exclude(device__status=DeviceStatus.PENDING)
    kept = not_held(
        over.order_by("expires_at"),
        sweep.holds,
        since="created_at",
        until="expires_at",
        person=lambda person_id: Q(pk__in=_onboardings_of(person_id).values("pk")),
        room=lambda room_id: Q(invitation__room_id=room_id),
    )
    sweep_rows(sweep, "onboardings", kept, delete)


def _sweep_invitations(sweep: RetentionSweep) -> None:
    """Whom an invitation named, once it is over, and why it ended so."""
    over = Invitation.objects.filter(OVER).order_by("changed_at")
    named = over.filter(changed_at__lt=sweep.metadata_before).exclude(name="")
    sweep_rows(
        sweep,
        "invitations",
        _not_held(named, sweep),
        blank(name="", phone="", email="", delivery_error=""),
    )
    reasoned = over.filter(changed_at__lt=sweep.audit_before).exclude(reason="")
    sweep_rows(sweep, "invitation_reasons", _not_held(reasoned, sweep), blank(reason=""))


def _not_held(invitations: QuerySet[Invitation], sweep: RetentionSweep) -> QuerySet[Invitation]:
    return not_held(
        invitations,
        sweep.holds,
        since="issued_at",
        until="changed_at",
        person=lambda person_id: Q(membership_id=person_id) | Q(issued_by_id=person_id),
        room=lambda room_id: Q(room_id=room_id),
    )


def _sweep_phone_changes(sweep: RetentionSweep) -> None:
    """Numbers that were decided about, and those that nobody will decide about any more."""
    decided = PhoneChange.objects.filter(decided_at__lt=sweep.metadata_before)
    undecided = PhoneChange.objects.filter(
        Q(proved_at=None) | Q(membership__status=MembershipStatus.ENDED),
        decided_at=None,
        requested_at__lt=sweep.metadata_before,
    )
    reasoned = PhoneChange.objects.filter(decided_at__lt=sweep.audit_before).exclude(reason="")
    for name, rows, by, act in (
        ("phone_changes", decided.exclude(phone=""), "decided_at", blank(phone="")),
        ("undecided_phone_changes", undecided, "requested_at", delete),
        ("phone_change_reasons", reasoned, "decided_at", blank(reason="")),
    ):
        kept = not_held(
            rows.order_by(by),
            sweep.holds,
            since="requested_at",
            until=by,
            person=lambda person_id: Q(membership_id=person_id),
        )
        sweep_rows(sweep, name, kept, act)
