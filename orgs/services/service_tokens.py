"""Service tokens: what lets a program read the audit data."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import OuterRef

from audit.services.recording import Ref, record
from orgs.errors import ServiceTokenInvalid, ServiceTokenTransition
from orgs.events import people as events
from orgs.models import Membership, Scope, ServiceToken
from semafore.kernel import clock
from semafore.kernel.actor import current_actor
from semafore.kernel.problems import NotFound
from semafore.kernel.tenancy import current_organisation_id, locate, organisation_scope

TOKEN_PREFIX = "sfs_"  # noqa: S105 - lets a scanner find a leaked token, is none itself
SHOWN = 8
LONGEST = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class IssuedServiceToken:
    """A new token, in clear this once."""

    row: ServiceToken
    token: str


def service_token_ref(row: ServiceToken) -> Ref:
    """A service token as events name it."""
    return Ref(kind="service_token", id=row.id, label=row.name)


@transaction.atomic
def issue_service_token(
    *, name: str, scopes: Collection[Scope], expires_at: datetime
) -> IssuedServiceToken:
    """A token for a program, valid for at most 365 days. Raises ServiceTokenInvalid."""
    now = clock.now()
    if not scopes:
        raise ServiceTokenInvalid(detail="A service token needs at least one scope.")
    if not now < expires_at <= now + LONGEST:
        raise ServiceTokenInvalid(detail="A service token ends within a year from now.")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = ServiceToken.objects.create(
        organisation_id=current_organisation_id(),
        name=name,
        scopes=sorted(scopes),
        token_hash=_hash(token),
        prefix=token[:SHOWN],
        created_by_id=current_actor().membership_id,
        expires_at=expires_at,
    )
    record(
        events.ServiceTokenIssued(scopes=row.scopes, expires_at=expires_at),
        target=service_token_ref(row),
    )
    return IssuedServiceToken(row, token)


@transaction.atomic
def revoke_service_token(*, service_token_id: UUID, reason: str) -> ServiceToken:
    """Refuse the token from now on. Raises NotFound, ServiceTokenTransition."""
    rows = ServiceToken.objects.select_for_update(no_key=True)
    row = rows.filter(id=service_token_id).first()
    if row is None:
        raise NotFound
    if row.revoked_at is not None:
        raise ServiceTokenTransition
    row.revoked_at, row.revoked_by_id = clock.now(), current_actor().membership_id
    row.save(update_fields=["revoked_at", "revoked_by"])
    record(events.ServiceTokenRevoked(reason=reason), target=service_token_ref(row))
    return row


def authenticate_service_token(raw: str) -> ServiceToken | None:
    """The valid token that this is, its organisation loaded; None for any other. Notes the day."""
    rows = locate(ServiceToken).select_related("organisation").annotate(former=_of_the_issuer())
    row = rows.filter(token_hash=_hash(raw)).first()
    if row is None or row.status != "active":
        return None
    today = clock.now().date()
    if row.last_used_on != today:
        with organisation_scope(row.organisation_id):
            ServiceToken.objects.filter(id=row.id).update(last_used_on=today)
        row.last_used_on = today
    return row


def _of_the_issuer() -> ArraySubquery:
    """The issuer's memberships in the organisation."""
    same = {
        "account__memberships": OuterRef("created_by"),
        "organisation": OuterRef("organisation"),
    }
    return ArraySubquery(locate(Membership).filter(**same).values("id"))


def _hash(token: str) -> bytes:
    """32 random bytes need no stretching."""
    return sha256(token.encode()).digest()
