"""What the invitations' app holds on a person (`held_on_person`)."""

from collections.abc import Iterator

from django.db.models import Q, QuerySet

from invitations.models import Invitation, LinkToken, Onboarding, PhoneChange, PhoneProof
from orgs.models import Membership
from semafore.kernel.hooks import HeldOnPerson, Holding
from semafore.kernel.sealing import keyed_hash

Row = tuple[object, ...]


def quota_key(phone: str) -> bytes:
    """What the codes sent to a number are counted under, for all organisations together."""
    return keyed_hash("phone-quota", phone.encode())


def on_held_on_person(held: HeldOnPerson) -> None:
    """Invitations, onboardings, link tokens, numbers."""
    own = Invitation.objects.filter(membership_id__in=held.membership_ids)
    held.also.update(own.values_list("id", flat=True))
    held.holdings.extend(
        [
            Holding(
                title="Invitations to the person",
                name="invitations",
                columns=(
                    *("Invitation", "Purpose", "State", "Name", "Phone", "Email", "Role", "Unit"),
                    *("Issued", "Issued by", "Expires", "State since", "Reason", "Channel"),
                    *("Delivery", "Delivered", "Sponsor", "External party", "Membership ends"),
                ),
                rows=_invitations(held),
                note="An invitation that nobody accepted bears no link to a person: look for it in "
                "the console by its name or number.",
            ),
            Holding(
                title="Invitations that the person issued or sponsors",
                name="invitations_issued",
                columns=("To whom", "Purpose", "State", "Issued", "Issued by", "Sponsor"),
                rows=_issued(held),
            ),
            Holding(
                title="Onboardings of devices",
                name="onboardings",
                columns=(
                    *("Onboarding", "Begun", "Phone", "Phone proved", "Second factor proved"),
                    *("Device", "Expires", "Superseded", "Approvers told", "Approvers reminded"),
                ),
                rows=_onboardings(held),
                note="No code and no second factor is listed.",
            ),
            Holding(
                title="Links for further devices",
                name="link_tokens",
                columns=("Shown by", "Made", "Expires"),
                rows=_link_tokens(held),
                note="The links themselves are not kept.",
            ),
            Holding(
                title="Codes sent to the person's number",
                name="phone_proofs",
                columns=("Phone", "Delivery", "Requests", "Since", "Tries", "Locked until"),
                rows=_phone_proofs(held),
                note="The codes themselves are not listed.",
            ),
            Holding(
                title="Changes of number",
                name="phone_changes",
                columns=(
                    *("Of whom", "New number", "Requested", "Proved", "Approved", "Decided"),
                    *("Decided by", "Reason"),
                ),
                rows=_phone_changes(held),
                note="What the person typed about somebody else is left out.",
            ),
        ]
    )


def _invitations(held: HeldOnPerson) -> Iterator[Row]:
    own = Invitation.objects.filter(membership_id__in=held.membership_ids).select_related("party")
    for one in own.order_by("issued_at", "id").iterator():
        yield (
            *(one.id, one.purpose, one.state, one.name, one.phone, one.email, one.role, one.unit),
            *(one.issued_at, held.masked(one.issued_by_id), one.expires_at, one.changed_at),
            *(one.reason, one.channel, one.delivery, one.delivery_at),
            *(held.masked(one.sponsor_id), one.party.name if one.party else ""),
            one.membership_ends_at,
        )


def _issued(held: HeldOnPerson) -> Iterator[Row]:
    ids = held.membership_ids
    to_others = Q(membership_id=None) | ~Q(membership_id__in=ids)
    found = Invitation.objects.filter(
        to_others, Q(issued_by_id__in=ids) | Q(sponsor_id__in=ids)
    ).order_by("issued_at", "id")
    for one in found.iterator():
        yield (
            *(held.masked(one.membership_id or one.id), one.purpose, one.state, one.issued_at),
            *(held.masked(one.issued_by_id), held.masked(one.sponsor_id)),
        )


def _own_onboardings(held: HeldOnPerson) -> QuerySet[Onboarding]:
    ids = held.membership_ids
    accounts = Membership.objects.filter(id__in=ids).values("account_id")
    return Onboarding.objects.filter(
        Q(membership_id__in=ids)
        | Q(invitation__membership_id__in=ids)
        | Q(device__membership_id__in=ids)
        | Q(account_id__in=accounts)
    )


def _onboardings(held: HeldOnPerson) -> Iterator[Row]:
    for one in _own_onboardings(held).order_by("created_at", "id").iterator():
        yield (
            *(one.id, one.created_at, one.phone, one.phone_verified_at, one.totp_proven_at),
            *(held.masked(one.device_id, "device"), one.expires_at, one.superseded_at),
            *(one.told_at, one.reminded_at),
        )


def _link_tokens(held: HeldOnPerson) -> Iterator[Row]:
    found = LinkToken.objects.filter(device__membership_id__in=held.membership_ids)
    yield from (
        found.order_by("created_at", "id")
        .values_list("device_id", "created_at", "expires_at")
        .iterator()
    )


def _phone_proofs(held: HeldOnPerson) -> Iterator[Row]:
    changes = PhoneChange.objects.filter(membership_id__in=held.membership_ids)
    subjects = {
        *_own_onboardings(held).values_list("id", flat=True),
        *changes.values_list("id", flat=True),
    }
    for one in PhoneProof.objects.filter(subject_id__in=subjects).order_by("id").iterator():
        yield (
            *(one.phone, one.delivery, one.requests, one.requests_since, one.tries),
            one.locked_until,
        )


def _phone_changes(held: HeldOnPerson) -> Iterator[Row]:
    ids = held.membership_ids
    found = PhoneChange.objects.filter(Q(membership_id__in=ids) | Q(decided_by_id__in=ids))
    for one in found.order_by("requested_at", "id").iterator():
        mine = held.mine(one.membership_id)
        yield (
            *(held.masked(one.membership_id), one.phone if mine else "", one.requested_at),
            *(one.proved_at, one.approved, one.decided_at, held.masked(one.decided_by_id)),
            one.reason if mine else "",
        )
