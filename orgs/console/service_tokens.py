"""Service tokens: list, issue, revoke."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from orgs.forms.members import ReasonForm
from orgs.forms.service_tokens import ServiceTokenForm
from orgs.models import Scope, ServiceToken
from orgs.selectors.service_tokens import service_token, service_tokens
from orgs.services.service_tokens import issue_service_token, revoke_service_token
from semafore.kernel import clock
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.http.decisions import DecisionView
from semafore.kernel.paging import paginate
from semafore.kernel.permissions import Permission


class ServiceTokensView(ConsoleView):
    """Which programs may read."""

    requires = Permission.PEOPLE_READ
    title = "Service tokens"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Newest first."""
        cursor = request.GET.get("cursor")
        context = {
            "page": paginate(service_tokens(), by=("-created_at", "-id"), cursor=cursor),
            "may_change": Permission.SERVICE_TOKENS_MANAGE in self.seat.permissions,
        }
        return self.page(request, "console/settings/service_tokens.html", context)


class ServiceTokenNewView(ConsoleView):
    """A new token, shown once: in the answer to the POST, and nowhere else."""

    requires = Permission.SERVICE_TOKENS_MANAGE
    sensitive = True
    title = "New service token"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask."""
        return self._ask(request, ServiceTokenForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Issue it and show it."""
        form = ServiceTokenForm(request.POST)
        if form.is_valid():
            data = form.cleaned_data
            with self.refusals(form):
                issued = issue_service_token(
                    name=data["name"],
                    scopes=[Scope(scope) for scope in data["scopes"]],
                    expires_at=clock.now() + timedelta(days=data["days"]),
                )
                context = {"title": "Service token issued", "issued": issued}
                template = "console/settings/service_token_issued.html"
                return self.page(request, template, context, status=201)
        return self._ask(request, form, status=422)

    def _ask(self, request: HttpRequest, form: ServiceTokenForm, status: int = 200) -> HttpResponse:
        template = "console/settings/service_token_new.html"
        return self.page(request, template, {"form": form}, status=status)


class ServiceTokenRevokeView(DecisionView):
    """The end of a token."""

    requires = Permission.SERVICE_TOKENS_MANAGE
    title = "Revoke the service token {0.name}"
    form_class = ReasonForm
    submit = "Revoke token"
    danger = True

    def subject(self, **ids: UUID) -> ServiceToken:
        """The token. Raises NotFound."""
        return service_token(ids["service_token_id"])

    def consequences(self, subject: ServiceToken) -> list[str]:
        """What stops."""
        day = subject.last_used_on
        used = f"last used on {day:%-d %B %Y}" if day else "never used"
        return [
            f"Whatever program holds {subject.name} ({used}) is refused at once.",
            "It can't be taken back; a new token can be issued.",
        ]

    def act(self, subject: ServiceToken, data: dict[str, Any]) -> str:
        """Raises NotFound, ServiceTokenTransition."""
        revoke_service_token(service_token_id=subject.id, reason=data["reason"])
        return f"The service token {subject.name} is revoked."

    def elsewhere(self, subject: ServiceToken) -> str:
        """The list."""
        del subject
        return self.link("service_tokens")
