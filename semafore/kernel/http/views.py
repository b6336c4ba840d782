"""Base views of the API: authenticate, enter the organisation, check the permission, act."""

from contextlib import ExitStack
from typing import Any, ClassVar, Protocol, cast
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.views import APIView

from semafore.kernel.actor import Actor, ActorKind, acting_as
from semafore.kernel.logs import request_id_var
from semafore.kernel.permissions import Access, Requirement
from semafore.kernel.problems import NotAuthenticated, NotPermitted
from semafore.kernel.tenancy import organisation_scope

USER_AGENT_LENGTH = 200


class Credential(Protocol):
    """What an authenticator makes of a valid token (`request.auth`)."""

    @property
    def organisation_id(self) -> UUID:
        """The one organisation of the request."""

    @property
    def permissions(self) -> frozenset[Requirement]:
        """What its holder may do there."""

    def actor(self, origin: Actor) -> Actor:
        """The acting party, with the origin's address, agent and request id."""


def client_address(request: Request | HttpRequest) -> str:
    """The peer's address; behind a TLS proxy, the one that the proxy saw."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.TLS_PROXY else ""
    return str(forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", ""))


def origin_of(request: Request | HttpRequest) -> Actor:
    """Somebody not yet known, with where they come from."""
    agent = request.META.get("HTTP_USER_AGENT", "")[:USER_AGENT_LENGTH]
    return Actor(
        kind=ActorKind.ANONYMOUS,
        address=client_address(request),
        user_agent="".join(c for c in agent if c.isprintable()),
        request_id=request_id_var.get(),
    )


class BaseAPIView(APIView):
    """Declares what it needs in `requires`; without a declaration the server doesn't start."""

    requires: ClassVar[Requirement]

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """DRF's dispatch, inside the scope and the actor that `initial` enters."""
        with ExitStack() as self.entered:
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, enter the organisation's scope, check the permission."""
        origin = origin_of(request)
        self.entered.enter_context(acting_as(origin))
        super().initial(request, *args, **kwargs)
        if self.requires is Access.PUBLIC:
            return
        credential = cast("Credential | None", request.auth)
        if credential is None:
            raise NotAuthenticated
        self.entered.enter_context(organisation_scope(credential.organisation_id))
        self.entered.enter_context(acting_as(credential.actor(origin)))
        if self.requires not in credential.permissions:
            raise NotPermitted

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """DRF's; answers hold tokens and keys, and nothing keeps them unless the view says so."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer


class PublicAPIView(BaseAPIView):
    """A route without a token; throttled by address."""

    requires = Access.PUBLIC
