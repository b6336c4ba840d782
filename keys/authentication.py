"""Bearer tokens of devices."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from keys.errors import TokenExpired
from keys.selectors.credentials import DeviceCredential, state_of_token
from semafore.kernel.problems import NotAuthenticated


class DeviceTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer`; the token's device becomes `request.auth`."""

    def authenticate(self, request: Request) -> tuple[None, DeviceCredential] | None:
        """The credential, None without a header. Raises NotAuthenticated, TokenExpired."""
        scheme, _, token = get_authorization_header(request).partition(b" ")
        if not scheme:
            return None
        if scheme.lower() != b"bearer" or not token:
            raise NotAuthenticated(detail="Send Authorization: Bearer and the token.")
        return None, admit(token.decode("latin-1"))

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        del request
        return "Bearer"


def admit(token: str) -> DeviceCredential:
    """The credential of a valid token. Raises NotAuthenticated, TokenExpired."""
    state = state_of_token(token)
    if state is None or not state.admitted:
        raise NotAuthenticated
    if state.expired:
        raise TokenExpired
    return state.credential


class DeviceTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The same for the OpenAPI document."""

    target_class = "keys.authentication.DeviceTokenAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """HTTP bearer."""
        del auto_schema
        return {"type": "http", "scheme": "bearer"}
