"""Bearer tokens of programs."""

from dataclasses import dataclass, replace
from uuid import UUID

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from orgs.models import Scope, ServiceToken
from orgs.roles import SCOPE_PERMISSIONS
from orgs.services.service_tokens import authenticate_service_token
from semafore.kernel.actor import Actor, ActorKind
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotAuthenticated


@dataclass(frozen=True, slots=True)
class ServiceCredential:
    """A program of an organisation, as its token shows it."""

    id: UUID
    organisation_id: UUID
    name: str
    permissions: frozenset[Permission]
    membership_id: UUID | None
    """Who issued it: it reads what they may read of themselves (ADR 0015)."""
    former: frozenset[UUID]
    """That person's memberships in the organisation from other times."""

    def actor(self, origin: Actor) -> Actor:
        """The program as the acting party."""
        return replace(origin, kind=ActorKind.SERVICE, id=self.id, label=self.name)


def credential_of(row: ServiceToken) -> ServiceCredential:
    """The credential that a valid token stands for."""
    permissions = frozenset[Permission]().union(
        *(SCOPE_PERMISSIONS[Scope(scope)] for scope in row.scopes)
    )
    return ServiceCredential(
        id=row.id,
        organisation_id=row.organisation_id,
        name=row.name,
        permissions=permissions,
        membership_id=row.created_by_id,
        former=frozenset(row.former),  # type: ignore[attr-defined]  # of the annotation
    )


class ServiceTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer`; the token's program becomes `request.auth`."""

    def authenticate(self, request: Request) -> tuple[None, ServiceCredential] | None:
        """The credential, None without a header. Raises NotAuthenticated."""
        scheme, _, token = get_authorization_header(request).partition(b" ")
        if not scheme:
            return None
        if scheme.lower() != b"bearer" or not token:
            raise NotAuthenticated(detail="Send Authorization: Bearer and the token.")
        row = authenticate_service_token(token.decode("latin-1"))
        if row is None:
            raise NotAuthenticated
        return None, credential_of(row)

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        del request
        return "Bearer"
