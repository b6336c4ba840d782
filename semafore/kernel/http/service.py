"""Base view of the API for programs, which come with a service token."""

from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from semafore.kernel.http.throttles import CredentialThrottle
from semafore.kernel.http.views import BaseAPIView
from semafore.kernel.problems import NotPermitted


class ServiceAPIView(BaseAPIView):
    """Lets in service tokens whose scopes hold what the view `requires`; throttled by token.

    Tokens belong to an app above: settings name their authentication, as they name the user model.
    """

    throttle_classes = (CredentialThrottle,)

    def get_authenticators(self) -> list[BaseAuthentication]:
        """SERVICE_TOKEN_AUTHENTICATION alone."""
        return [import_string(settings.SERVICE_TOKEN_AUTHENTICATION)()]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """As every API view; the refusal names the scope. Raises NotPermitted."""
        try:
            super().initial(request, *args, **kwargs)
        except NotPermitted as refusal:
            message = f"This token has no scope {self.requires}."
            raise NotPermitted(detail=message) from refusal
