"""Programs that ask the audit API with a service token."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.test import Client

from audit.events.log import CHECKPOINTS
from audit.models import AnnouncedKey
from audit.selectors.checkpoints import SignedHead
from orgs.models import Organisation, Scope
from orgs.services.service_tokens import IssuedServiceToken, issue_service_token
from semafore.kernel import clock
from tests.audit.reading import vkey_of
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


def announce(of: Organisation, signed: SignedHead) -> str:
    """Have the organisation's table of keys name the one that signed; its vkey."""
    vkey = vkey_of(signed)
    with inside(of):
        AnnouncedKey.objects.create(
            organisation_id=of.id,
            name=signed.origin,
            vkey=vkey,
            purpose=CHECKPOINTS,
            event_id=uuid4(),
            announced_at=clock.now(),
        )
    return vkey
