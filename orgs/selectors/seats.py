"""A person's place in an organisation's console."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from orgs.models import Account, Membership, MembershipKind, MembershipStatus, unlapsed
from orgs.roles import ROLE_PERMISSIONS, permissions_of
from semafore.kernel.actor import Actor, ActorKind
from semafore.kernel.permissions import Permission
from semafore.kernel.tenancy import locate

ENTERING = [role for role, may in ROLE_PERMISSIONS.items() if Permission.CONSOLE_ENTER in may]


@dataclass(frozen=True, slots=True)
class Seat:
    """An active membership whose role may enter the console."""

    organisation_id: UUID
    organisation_name: str
    slug: str
    membership_id: UUID
    name: str
    role: str
    permissions: frozenset[Permission]
    ends_at: datetime | None
    former: frozenset[UUID]
    """Ended memberships of the same person in the organisation."""

    def actor(self, origin: Actor) -> Actor:
        """The acting person, named as this organisation knows them."""
        return replace(
            origin,
            kind=ActorKind.MEMBER,
            id=self.membership_id,
            label=self.name,
            membership_id=self.membership_id,
        )


def _seats(account: Account) -> QuerySet[Membership]:
    # By the account, across organisations: it is the credential here.
    return (
        locate(Membership)
        .filter(
            unlapsed(),
            account_id=account.pk,
            kind=MembershipKind.MEMBER,
            status=MembershipStatus.ACTIVE,
        )
        .select_related("organisation")
        .annotate(former=_former())
    )


def _former() -> ArraySubquery:
    same = {"account": OuterRef("account"), "organisation": OuterRef("organisation")}
    return ArraySubquery(locate(Membership).filter(**same).exclude(id=OuterRef("id")).values("id"))


def entering(account: Account) -> QuerySet[Membership]:
    """The memberships, across organisations, whose console the person may enter."""
    return _seats(account).filter(role__in=ENTERING)


def _seat(membership: Membership) -> Seat | None:
    permissions = permissions_of(membership.kind, membership.role)
    if Permission.CONSOLE_ENTER not in permissions:
        return None
    return Seat(
        organisation_id=membership.organisation_id,
        organisation_name=membership.organisation.name,
        slug=membership.organisation.slug,
        membership_id=membership.id,
        name=membership.name,
        role=membership.role,
        permissions=permissions,
        ends_at=membership.ends_at,
        former=frozenset(membership.former),  # type: ignore[attr-defined]  # of the annotation
    )


def find_seat(account: Account, slug: str) -> Seat | None:
    """The person's seat in this organisation; None also where there is no such organisation."""
    membership = _seats(account).filter(organisation__slug=slug).first()
    return _seat(membership) if membership else None


def seats_of(account: Account) -> list[Seat]:
    """Every console the person may enter, by the organisation's name."""
    found = (_seat(one) for one in _seats(account).order_by("organisation__name"))
    return [seat for seat in found if seat is not None]
