"""Reads of service tokens."""

from uuid import UUID

from django.db.models import QuerySet

from orgs.models import ServiceToken
from semafore.kernel.problems import NotFound


def service_tokens() -> QuerySet[ServiceToken]:
    """The organisation's service tokens, with who issued them."""
    return ServiceToken.objects.select_related("created_by", "revoked_by")


def service_token(service_token_id: UUID) -> ServiceToken:
    """One of them. Raises NotFound."""
    found = service_tokens().filter(id=service_token_id).first()
    if found is None:
        raise NotFound
    return found
