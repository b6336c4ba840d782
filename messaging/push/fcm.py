"""Google's push service, HTTP v1, with an access token of our service account (OAuth 2, RS256)."""

from datetime import timedelta
from functools import cache
from typing import Any

import httpx
import jwt
from django.conf import settings

from messaging.push.http import Credential, document, post
from messaging.push.outcomes import PushError, Target, TokenGoneError
from semafore.kernel import clock

SERVICE = "Google's push service"
SIGN_IN = "Google's sign-in"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_LIFETIME = timedelta(hours=1)
RENEWED_BEFORE = timedelta(minutes=5)

COLLAPSE_KEY = "wake"
NOT_AUTHENTICATED, NOT_FOUND = 401, 404
UNREGISTERED = "UNREGISTERED"


@cache
def access_token() -> Credential:
    """The process's one."""
    return Credential(_sign_in)


def _sign_in() -> tuple[str, timedelta]:
    account = settings.FCM_CREDENTIALS
    now = clock.now()
    assertion = jwt.encode(
        {
            "iss": account["client_email"],
            "scope": SCOPE,
            "aud": account["token_uri"],
            "iat": int(now.timestamp()),
            "exp": int((now + ASSERTION_LIFETIME).timestamp()),
        },
        account["private_key"],
        algorithm="RS256",
        headers={"kid": account["private_key_id"]},
    )
    form = {"grant_type": GRANT, "assertion": assertion}
    answer = post(SIGN_IN, account["token_uri"], data=form)
    if not answer.is_success:
        raise PushError(f"{SIGN_IN} answered {answer.status_code}.")
    found = document(answer)
    token, seconds = found.get("access_token"), found.get("expires_in")
    if not isinstance(token, str) or not isinstance(seconds, int):
        raise PushError(f"{SIGN_IN} gave an answer that makes no sense.")
    return token, timedelta(seconds=seconds) - RENEWED_BEFORE


def deliver(target: Target) -> None:
    """Send a data message that shows nothing. Raises PushError, TokenGoneError."""
    if not settings.FCM_CREDENTIALS:
        raise PushError("Google's push service is not set up on this server.")
    credential = access_token().text()
    answer = post(
        SERVICE,
        f"{settings.FCM_URL}/v1/projects/{settings.FCM_CREDENTIALS['project_id']}/messages:send",
        headers={"authorization": f"Bearer {credential}"},
        json={"message": _message(target.token)},
    )
    if answer.is_success:
        return
    if answer.status_code == NOT_FOUND and _error_code(answer) == UNREGISTERED:
        raise TokenGoneError(f"{SERVICE} no longer knows the token.")
    if answer.status_code == NOT_AUTHENTICATED:
        access_token().forget(credential)
    raise PushError(f"{SERVICE} answered {answer.status_code}.")


def _message(token: str) -> dict[str, Any]:
    return {
        "token": token,
        "data": {"wake": "1"},
        "android": {"collapse_key": COLLAPSE_KEY, "priority": "high"},
    }


def _error_code(answer: httpx.Response) -> str:
    """FCM's own code, which stands among the details of Google's error."""
    error = document(answer).get("error")
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else []:
        if isinstance(detail, dict) and "errorCode" in detail:
            return str(detail["errorCode"])
    return ""
