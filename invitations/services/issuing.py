"""Issuing: one invitation, or all of a list in one transaction."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from audit.services.recording import Fact, record_many
from invitations.errors import InvitationOpen
from invitations.events import invitations as events
from invitations.models import Invitation, Purpose, State
from invitations.models.invitations import OPEN
from invitations.selectors.people import ADMITTING, open_periods
from invitations.services.delivery import queue
from invitations.services.parties import parties_named
from invitations.services.progress import UNDECIDED, advance, invitation_ref
from invitations.services.terms import Draft, check_roles, check_terms, limits_for
from orgs.errors import AlreadyMember
from orgs.models import ExternalParty, Organisation, Role
from semafore.kernel import clock
from semafore.kernel.actor import current_actor
from semafore.kernel.tenancy import current_organisation_id, lock_organisation, organisation_scope


def issue_invitation(*, draft: Draft) -> Invitation:
    """Issue one invitation, and have its link sent unless it is given by hand.

    Raises NotPermitted, InvitationTerms, PhoneInvalid, NotFound, MemberHasDevice, AlreadyMember,
    InvitationOpen.
    """
    (invitation,) = issue_invitations(drafts=[draft])
    return invitation


@transaction.atomic
def issue_invitations(*, drafts: Sequence[Draft]) -> list[Invitation]:
    """Issue all or none; the same drafts again answer what was issued the first time.

    A few statements for all, because the organisation's lock is held meanwhile. Raises what
    `issue_invitation` does.
    """
    lock_organisation()
    known = list(Invitation.objects.filter(id__in=[draft.id for draft in drafts]))
    if known:
        return known
    check_roles({draft.role for draft in drafts})
    limits = limits_for(drafts)
    drafts = [check_terms(draft, limits) for draft in drafts]
    check_vacant(drafts)
    parties = parties_named({draft.party for draft in drafts})
    invitations = Invitation.objects.bulk_create(_invitation(draft, parties) for draft in drafts)
    record_many(
        [Fact(_issued(invitation), target=invitation_ref(invitation)) for invitation in invitations]
    )
    queue(invitations)
    return invitations


def issue_founding_invitation(*, organisation: Organisation, email: str, name: str) -> Invitation:
    """The operator's invitation of an owner of a new organisation; redeeming it is its approval.

    Raises InvitationTerms, AlreadyMember, InvitationOpen.
    """
    with organisation_scope(organisation.id):
        return issue_invitation(
            draft=Draft(purpose=Purpose.FOUNDING, email=email, name=name, role=Role.OWNER)
        )


def check_vacant(wanted: Sequence[Draft | Invitation]) -> None:
    """Nobody is invited twice at a time, nor as a member of what they belong to.

    Invitations whose time is over make way, also before the sweep has come to them. Raises
    AlreadyMember, InvitationOpen.
    """
    phones = {one.phone for one in wanted if one.phone}
    emails = {one.email for one in wanted if not one.phone}
    occupied = set()
    for period in open_periods(phones=phones, emails=emails):
        occupied |= {period.phone, period.email} - {""}
    taken = set()
    for other in Invitation.objects.select_for_update(no_key=True).filter(
        Q(phone__in=phones) | Q(phone="", email__in=emails), state__in=OPEN
    ):
        if other.state in UNDECIDED and other.expires_at <= clock.now():
            advance(other, State.EXPIRED, events.InvitationExpired())
        else:
            taken.add(other.phone or other.email)
    for one in wanted:
        address = one.phone or one.email
        if one.purpose in ADMITTING and address in occupied:
            raise AlreadyMember(detail=f"{one.name} is a member already ({address}).")
        if address in taken:
            raise InvitationOpen(detail=f"{one.name} has an open invitation already ({address}).")
        taken.add(address)


def _invitation(draft: Draft, parties: dict[str, ExternalParty]) -> Invitation:
    return Invitation(
        id=draft.id,
        organisation_id=current_organisation_id(),
        purpose=draft.purpose,
        name=draft.name,
        phone=draft.phone,
        email=draft.email,
        role=draft.role,
        unit=draft.unit,
        sponsor_id=draft.sponsor_id,
        party=parties.get(draft.party.lower()),
        room_id=draft.room_id,
        membership_ends_at=draft.membership_ends_at,
        membership_id=draft.membership_id,
        issued_by_id=current_actor().membership_id,
        expires_at=clock.now() + timedelta(days=draft.valid_days),
        channel=draft.channel,
    )


def _issued(invitation: Invitation) -> events.InvitationIssued:
    return events.InvitationIssued(
        purpose=invitation.purpose,
        role=invitation.role,
        unit=invitation.unit,
        channel=invitation.channel,
        expires_at=invitation.expires_at,
        sponsor_id=invitation.sponsor_id,
        party=invitation.party.name if invitation.party else None,
        room_id=invitation.room_id,
        membership_ends_at=invitation.membership_ends_at,
    )
