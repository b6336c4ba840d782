"""How an organisation begins: the operator creates it and invites the people who will own it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from invitations.services.issuing import issue_founding_invitation
from orgs.models import Organisation
from orgs.services.organisations import create_organisation


@dataclass(frozen=True, slots=True)
class Founder:
    """An owner to be."""

    name: str
    email: str


@transaction.atomic
def found_organisation(
    *, name: str, slug: str, sla_notice_hours: int, founders: Sequence[Founder]
) -> Organisation:
    """An organisation whose founders get their links by mail; redeeming one is its approval.

    Raises what `create_organisation` does.
    """
    organisation = create_organisation(name=name, slug=slug, sla_notice_hours=sla_notice_hours)
    for founder in founders:
        issue_founding_invitation(organisation=organisation, name=founder.name, email=founder.email)
    return organisation
