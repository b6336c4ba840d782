"""Bearer tokens of onboardings."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from invitations.selectors.onboarding import OnboardingCredential, credential_of_session
from semafore.kernel.problems import NotAuthenticated


class OnboardingAuthentication(BaseAuthentication):
    """`Authorization: Bearer` with the session token that proving the phone gave."""

    def authenticate(self, request: Request) -> tuple[None, OnboardingCredential] | None:
        """The credential, None without a header. Raises NotAuthenticated."""
        scheme, _, token = get_authorization_header(request).partition(b" ")
        if not scheme:
            return None
        if scheme.lower() != b"bearer" or not token:
            raise NotAuthenticated(detail="Send Authorization: Bearer and the session token.")
        credential = credential_of_session(token.decode("latin-1"))
        if credential is None:
            raise NotAuthenticated
        return None, credential

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        del request
        return "Bearer"


class OnboardingScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The same for the OpenAPI document."""

    target_class = "invitations.authentication.OnboardingAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """HTTP bearer."""
        del auto_schema
        return {"type": "http", "scheme": "bearer"}
