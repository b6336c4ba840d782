"""What the people's app holds on a person (`held_on_person`)."""

from collections.abc import Iterator

from django.db.models import Q

from orgs.models import (
    FactorReset,
    MaintenanceMail,
    Membership,
    MembershipChange,
    Policy,
    ServiceToken,
)
from semafore.kernel.hooks import HeldOnPerson, Holding

Row = tuple[object, ...]

OF_THE_ACCOUNT = (
    "Password, second factor, recovery codes, sessions, sign-ins and the mails about them belong "
    "to the person's account, not to this organisation, which can't see them: the person finds "
    "them at their own account page."
)


def on_held_on_person(held: HeldOnPerson) -> None:
    """Memberships with their changes, guests, service tokens, resets, duties."""
    held.holdings.extend(
        [
            Holding(
                title="Profile and memberships",
                name="memberships",
                columns=(
                    *("Membership", "Name", "Phone", "Email", "Kind", "Role", "Unit", "Status"),
                    *("Since", "Ends", "Sponsor", "External party"),
                ),
                rows=_memberships(held),
                note=OF_THE_ACCOUNT,
            ),
            Holding(
                title="Changes of memberships",
                name="membership_changes",
                columns=("At", "Of whom", "Status", "By whom", "Reason"),
                rows=_changes(held),
                note="What the person typed about somebody else is left out.",
            ),
            Holding(
                title="Guests that the person sponsors",
                name="guests",
                columns=("Guest", "External party", "Status", "Since", "Ends"),
                rows=_guests(held),
            ),
            Holding(
                title="Resets of the second factor",
                name="factor_resets",
                columns=(
                    *("Of whom", "Status", "Requested", "Requested by", "Reason"),
                    *("Decided", "Decided by", "Reason of the denial"),
                ),
                rows=_resets(held),
                note="What the person typed about somebody else is left out.",
            ),
            Holding(
                title="Service tokens that the person issued or revoked",
                name="service_tokens",
                columns=(
                    "Name",
                    "Scopes",
                    "Issued",
                    "Issued by",
                    "Expires",
                    "Revoked",
                    "Revoked by",
                ),
                rows=_service_tokens(held),
                note="The tokens themselves are not kept.",
            ),
            Holding(
                title="Mails about maintenance",
                name="maintenance_mails",
                columns=("Told", "Of what", "Window", "Taken by the mail server"),
                rows=_maintenance_mails(held),
            ),
            Holding(
                title="Duties",
                name="duties",
                columns=("Duty",),
                rows=_duties(held),
            ),
        ]
    )


def _memberships(held: HeldOnPerson) -> Iterator[Row]:
    own = Membership.objects.filter(id__in=held.membership_ids).select_related("party")
    for one in own.order_by("created_at", "id"):
        yield (
            *(one.id, one.name, one.phone, one.email, one.kind, one.role, one.unit, one.status),
            *(one.created_at, one.ends_at, held.masked(one.sponsor_id)),
            one.party.name if one.party else "",
        )


def _changes(held: HeldOnPerson) -> Iterator[Row]:
    ids = held.membership_ids
    found = MembershipChange.objects.filter(Q(membership_id__in=ids) | Q(by_id__in=ids))
    for one in found.order_by("at", "id").iterator():
        reason = one.reason if held.mine(one.membership_id) else ""
        yield one.at, held.masked(one.membership_id), one.status, held.masked(one.by_id), reason


def _guests(held: HeldOnPerson) -> Iterator[Row]:
    found = Membership.objects.filter(sponsor_id__in=held.membership_ids).select_related("party")
    for one in found.order_by("created_at", "id").iterator():
        party = one.party.name if one.party else ""
        yield held.masked(one.id), party, one.status, one.created_at, one.ends_at


def _resets(held: HeldOnPerson) -> Iterator[Row]:
    ids = held.membership_ids
    found = FactorReset.objects.filter(
        Q(membership_id__in=ids) | Q(requested_by_id__in=ids) | Q(decided_by_id__in=ids)
    )
    for one in found.order_by("requested_at", "id").iterator():
        mine = held.mine(one.membership_id)
        yield (
            *(held.masked(one.membership_id), one.status, one.requested_at),
            *(held.masked(one.requested_by_id), one.reason if mine else ""),
            *(one.decided_at, held.masked(one.decided_by_id), one.denial_reason if mine else ""),
        )


def _service_tokens(held: HeldOnPerson) -> Iterator[Row]:
    ids = held.membership_ids
    found = ServiceToken.objects.filter(Q(created_by_id__in=ids) | Q(revoked_by_id__in=ids))
    for one in found.order_by("created_at", "id").iterator():
        yield (
            *(one.name, list(one.scopes), one.created_at, held.masked(one.created_by_id)),
            *(one.expires_at, one.revoked_at, held.masked(one.revoked_by_id)),
        )


def _maintenance_mails(held: HeldOnPerson) -> Iterator[Row]:
    own = MaintenanceMail.objects.filter(membership_id__in=held.membership_ids)
    for one in own.select_related("notice__step").order_by("id").iterator():
        step = one.notice.step
        yield one.notice.told_at, step.occasion, step.window_id, one.sent_at


def _duties(held: HeldOnPerson) -> Iterator[Row]:
    if Policy.objects.filter(duty_approver_id__in=held.membership_ids).exists():
        yield ("May open emergency rooms alone",)
