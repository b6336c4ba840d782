"""Everything that is held on whoever has a phone number, in all organisations."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db.models import Q

from console.disclosure.limits import IMPOSSIBLE, NOT_LOOKED_AT
from console.disclosure.organisations import membership_holdings, number_holdings
from console.disclosure.person import account_holdings, quota_holding
from console.disclosure.tables import Table, tables
from invitations.models import Invitation, Onboarding, PhoneChange, PhoneProof
from orgs.models import Account, Membership, Organisation
from semafore.kernel import clock
from semafore.kernel.tenancy import locate, organisation_scope

FORMAT = "semafore/disclosure/v1"


@dataclass(frozen=True, slots=True)
class Part:
    """Tables of one account, of one organisation on it, or of one organisation on the number."""

    title: str
    account_id: UUID | None
    organisation_id: UUID | None
    tables: list[Table]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What is held; without parts nothing is."""

    phone: str
    parts: list[Part]

    @property
    def account_ids(self) -> list[UUID]:
        """A number that changed hands may lead to several."""
        return list(dict.fromkeys(part.account_id for part in self.parts if part.account_id))

    @property
    def organisation_ids(self) -> set[UUID]:
        """Where anything is held."""
        return {part.organisation_id for part in self.parts if part.organisation_id}

    def content(self) -> bytes:
        """The report as JSON, the same for the same database: what its digest is over."""
        content = {
            "format": FORMAT,
            "phone": self.phone,
            "held": bool(self.parts),
            "parts": [
                {
                    "title": part.title,
                    "account_id": part.account_id,
                    "organisation_id": part.organisation_id,
                    "tables": [one.as_json() for one in part.tables],
                }
                for part in self.parts
            ],
            "cannot_be_held": list(map(asdict, IMPOSSIBLE)),
            "not_looked_at": list(map(asdict, NOT_LOOKED_AT)),
        }
        return json.dumps(content, ensure_ascii=False, indent=2, default=_plain).encode()

    def digest(self) -> bytes:
        """SHA-256 of the content: what the record of the report commits to."""
        return sha256(self.content()).digest()


def _plain(value: object) -> Any:
    return clock.rfc3339(value) if isinstance(value, datetime) else str(value)


def disclosure_of(phone: str) -> Disclosure:
    """Look for a number (E.164), and for the people to whom it leads, wherever that is."""
    known_by = locate(Membership).filter(phone=phone).values("account_id")
    accounts = Account.objects.filter(Q(phone=phone) | Q(pk__in=known_by)).order_by("created_at")
    parts: list[Part] = []
    everybody: set[UUID] = set()
    emails: set[str] = set()
    for account in accounts:
        memberships = list(locate(Membership).filter(account=account).order_by("created_at"))
        own_ids = {one.id for one in memberships}
        everybody |= own_ids
        own = {one.email for one in memberships} | {account.email or ""}
        own.discard("")
        emails |= own
        holdings = account_holdings(account, own_ids, own)
        parts.append(Part(f"Account {account.id}", account.id, None, tables(holdings)))
        of: dict[UUID, list[UUID]] = defaultdict(list)
        for one in memberships:
            of[one.organisation_id].append(one.id)
        for organisation in Organisation.objects.filter(id__in=of).order_by("name", "id"):
            with organisation_scope(organisation.id):
                found = tables(membership_holdings(of[organisation.id]))
            title = f"{organisation.name}, on account {account.id}"
            parts.append(Part(title, account.id, organisation.id, found))
    parts.extend(_by_number(phone, emails, everybody))
    return Disclosure(phone, parts)


def _by_number(phone: str, emails: Iterable[str], membership_ids: Iterable[UUID]) -> list[Part]:
    addresses, known = list(emails), list(membership_ids)
    bearing = {
        *locate(Invitation)
        .filter(Q(phone=phone) | Q(email__in=addresses))
        .values_list("organisation_id", flat=True),
        *locate(Onboarding).filter(phone=phone).values_list("organisation_id", flat=True),
        *locate(PhoneChange).filter(phone=phone).values_list("organisation_id", flat=True),
        *locate(PhoneProof).filter(phone=phone).values_list("organisation_id", flat=True),
    }
    parts = []
    quota = tables([quota_holding(phone)])
    if any(one.count for one in quota):
        parts.append(Part("The number, in no organisation", None, None, quota))
    for organisation in Organisation.objects.filter(id__in=bearing).order_by("name", "id"):
        with organisation_scope(organisation.id):
            found = tables(number_holdings(phone, addresses, known))
        if any(one.count for one in found):
            title = f"{organisation.name}, by the number alone"
            parts.append(Part(title, None, organisation.id, found))
    return parts
