"""Who may read which events: the table of product.md, section 1.

And nobody reads of what examines them: a hold on them, a report, an export or an investigation
about them, whatever their role (ADR 0015).
"""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from django.apps import apps
from django.db.models import Q

from audit.registry import EventClass
from semafore.kernel.permissions import Permission

TRAFFIC = (EventClass.TRANSIT, EventClass.CLAIMS)

CONFIDENTIAL = ("hold.", "audit.", "report.", "export.", "investigation.")
"""What examines people: for owners and auditors, who alone read traffic too."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who reads audit data, or the issuer of the service token that does."""

    permissions: AbstractSet[Permission]
    membership_id: UUID | None = None
    former: frozenset[UUID] = frozenset()
    """The same person's memberships in the organisation from other times."""

    @property
    def own(self) -> frozenset[UUID]:
        """Whatever concerns one of these concerns the reader; nobody for a program of nobody's."""
        return self.former if self.membership_id is None else self.former | {self.membership_id}


class Known(Protocol):
    """A seat at the console, or the credential of a program."""

    @property
    def permissions(self) -> frozenset[Permission]:
        """What they may do."""

    @property
    def membership_id(self) -> UUID | None:
        """Who they are, or who lets them read."""

    @property
    def former(self) -> frozenset[UUID]:
        """That person's memberships in the organisation from other times."""


def reader_of(known: Known) -> Reader:
    """Who asks, as a reader."""
    return Reader(known.permissions, known.membership_id, known.former)


def reader_as(membership_id: UUID | None, permissions: AbstractSet[Permission]) -> Reader:
    """Somebody who asked earlier, with their memberships of other times as they are known now."""
    memberships = apps.get_model("orgs", "Membership").objects
    account = memberships.filter(id=membership_id).values("account")
    former = memberships.filter(account__in=account).exclude(id=membership_id)
    return Reader(permissions, membership_id, frozenset(former.values_list("id", flat=True)))


def examined(event_type: str, who: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Whom a confidential event examines: a look at it examines them too. None for nobody."""
    if who is None or not event_type.startswith(CONFIDENTIAL):
        return None
    subject: Mapping[str, Any] | None = who["subject"]
    return subject


def may_read_type(event_class: int, event_type: str, permissions: Collection[Permission]) -> bool:
    """Whether somebody with these permissions may see events of this class and type."""
    if event_class in TRAFFIC:
        return Permission.AUDIT_READ_TRAFFIC in permissions
    if Permission.AUDIT_READ not in permissions:
        return False
    confidential = event_type.startswith(CONFIDENTIAL)
    return not confidential or Permission.AUDIT_READ_TRAFFIC in permissions


def may_read(
    event_class: int, event_type: str, who: Mapping[str, Any] | None, reader: Reader
) -> bool:
    """Whether the reader may see this event; `who` is None where retention deleted it."""
    if not may_read_type(event_class, event_type, reader.permissions):
        return False
    subject, own = examined(event_type, who), {str(one) for one in reader.own}
    if who is None or subject is None or subject["id"] not in own:
        return True
    return who["actor"]["member"] in own


def unreadable(reader: Reader) -> Q:
    """The same as a condition: what to `exclude` from a list of `IndexedEvent`s."""
    hidden = Q(event_class__in=())
    if Permission.AUDIT_READ not in reader.permissions:
        hidden |= ~Q(event_class__in=TRAFFIC)
    confidential = Q()
    for beginning in CONFIDENTIAL:
        confidential |= Q(type__startswith=beginning)
    if Permission.AUDIT_READ_TRAFFIC not in reader.permissions:
        hidden |= Q(event_class__in=TRAFFIC) | confidential
    elif reader.own:
        others = Q(actor_member__isnull=True) | ~Q(actor_member__in=reader.own)
        hidden |= confidential & Q(subject_id__in=reader.own) & others
    return hidden
