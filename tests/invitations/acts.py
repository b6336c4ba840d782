"""What the tests of invitations do."""

import itertools
from collections.abc import Callable
from typing import Any

from invitations.models import Channel, Invitation, Purpose
from invitations.services.issuing import issue_invitation
from invitations.services.terms import Draft
from orgs.models import Membership, Organisation, Role
from semafore.kernel.actor import SYSTEM, Actor, ActorKind, acting_as
from semafore.kernel.tenancy import organisation_scope

_numbers = itertools.count(1)


def as_member(person: Membership) -> Actor:
    return Actor(kind=ActorKind.MEMBER, id=person.id, label=person.name, membership_id=person.id)


def within(
    of: Organisation | Membership | Invitation,
    act: Callable[..., Any],
    *,
    actor: Actor = SYSTEM,
    **arguments: Any,
) -> Any:
    organisation_id = of.id if isinstance(of, Organisation) else of.organisation_id
    with acting_as(actor), organisation_scope(organisation_id):
        return act(**arguments)


def draft(**further: Any) -> Draft:
    """A member by SMS, with a number of their own."""
    given = {
        "purpose": Purpose.MEMBER,
        "name": "Dan",
        "phone": f"+4479111{next(_numbers):05}",
        "channel": Channel.SMS,
    }
    return Draft(**{**given, **further})


def console_draft(email: str = "dan@example.org", **further: Any) -> Draft:
    return draft(purpose=Purpose.CONSOLE, phone="", email=email, role=Role.AUDITOR, **further)


def issue(
    of: Organisation | Membership,
    *,
    actor: Actor = SYSTEM,
    wanted: Draft | None = None,
    **terms: Any,
) -> Invitation:
    """An invitation, issued by the system unless an actor is given."""
    invitation: Invitation = within(
        of, issue_invitation, actor=actor, draft=wanted or draft(**terms)
    )
    return invitation


def now(invitation: Invitation) -> Invitation:
    """The row as it stands now."""
    with organisation_scope(invitation.organisation_id):
        return Invitation.objects.select_related("organisation").get(id=invitation.id)
