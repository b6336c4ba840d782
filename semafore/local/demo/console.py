"""The demo's people at the console, and its invitations that nobody has used yet."""

from typing import Any

from invitations.models import Channel, Invitation, Purpose, State
from invitations.services.issuing import issue_invitation
from invitations.services.terms import Draft
from invitations.services.tokens import invitation_token
from orgs.models import Account, Membership, Organisation
from orgs.services.factors import adopt_factor
from orgs.totp import key_text, new_totp_key
from semafore.kernel import clock
from semafore.kernel.actor import Actor, ActorKind, acting_as
from semafore.kernel.sealing import seal, unseal
from semafore.local.demo.story import OrganisationStory

PASSWORD = "swans-glide-over-the-weir"  # noqa: S105 - everybody's in the demo, which DEBUG alone loads
UNUSED = 2
"""So many invitations wait in each organisation after a start."""
NEWCOMERS = ("Noor Haddad", "Owen Pryce", "Priya Nair", "Rhys Morgan", "Sofia Lindqvist")


def member_actor(person: Membership) -> Actor:
    """Somebody of the demo at work."""
    return Actor(kind=ActorKind.MEMBER, id=person.id, label=person.name, membership_id=person.id)


def give_factor(account: Account) -> None:
    """An authenticator whose key `demo.json` tells."""
    adopt_factor(account=account, sealed_key=seal(new_totp_key()), last_step=0)


def console_users(story: OrganisationStory) -> list[dict[str, str]]:
    """Who may sign in at the console of the organisation in scope, and with what."""
    people = {person.name: person for person in story.people if person.email}
    return [
        {
            "organisation": story.slug,
            "role": member.role,
            "email": people[member.name].email,
            "password": PASSWORD,
            "totp_secret": key_text(unseal(member.account.factor.sealed_key)),
        }
        for member in Membership.objects.filter(name__in=people)
        .select_related("account__factor")
        .order_by("created_at")
        if member.account.factor.sealed_key
    ]


def keep_invitations(story: OrganisationStory, founder: Membership) -> None:
    """See that some invitations wait, whatever became of those of earlier starts."""
    number = Invitation.objects.count()
    with acting_as(member_actor(founder)):
        for _ in range(UNUSED - _unused().count()):
            number += 1
            issue_invitation(
                draft=Draft(
                    purpose=Purpose.MEMBER,
                    channel=Channel.HAND,
                    name=NEWCOMERS[number % len(NEWCOMERS)],
                    phone=f"{story.newcomers}{number:02}",
                    valid_days=30,
                )
            )


def invitations(story: OrganisationStory) -> list[dict[str, Any]]:
    """The invitations of the organisation in scope that a device can enrol with."""
    return [
        {
            "organisation": story.slug,
            "name": invitation.name,
            "phone": invitation.phone,
            "token": invitation_token(invitation),
        }
        for invitation in _unused().order_by("issued_at")
    ]


def _unused() -> Any:
    return Invitation.objects.filter(
        purpose=Purpose.MEMBER, channel=Channel.HAND, state=State.ISSUED, expires_at__gt=clock.now()
    )


def founder_of(organisation: Organisation) -> Membership:
    """The first person of the organisation in scope."""
    return Membership.objects.filter(organisation=organisation).earliest("created_at")
