"""Programs that ask the audit API with a service token."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.test import Client

from orgs.models import Organisation, Scope
from orgs.services.service_tokens import IssuedServiceToken, issue_service_token
from semafore.kernel import clock
from tests.cast import inside


def issue(of: Organisation, scopes: Collection[Scope] = tuple(Scope)) -> IssuedServiceToken:
    """A new token, for all that programs may do if nothing else is said."""
    with inside(of):
        return issue_service_token(
            name="Monitor", scopes=scopes, expires_at=clock.now() + timedelta(days=30)
        )


def ask(token: str | None, path: str, **headers: str) -> Any:
    """What a GET below /api/audit/ answers."""
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return Client(raise_request_exception=False).get(f"/api/audit/{path}", headers=headers)


def fetched(token: str, path: str) -> bytes:
    """The body of an answer that is one."""
    answer = ask(token, path)
    assert answer.status_code == 200, answer.content
    return bytes(answer.content)
