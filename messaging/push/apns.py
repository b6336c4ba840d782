"""Apple's push service: HTTP/2, with a token that our key signs (ES256)."""

import re
from datetime import timedelta
from functools import cache

import jwt
from django.conf import settings

from messaging.models import Environment
from messaging.push.http import Credential, document, post
from messaging.push.outcomes import PushError, Target, TokenGoneError
from semafore.kernel import clock

SERVICE = "Apple's push service"
RENEWED_AFTER = timedelta(minutes=50)
"""Apple takes a token for an hour, and not more than one every 20 minutes."""

COLLAPSE_ID = "wake"
PAYLOAD = b'{"aps":{"content-available":1}}'

TAKEN, REFUSED, FORBIDDEN, GONE = 200, 400, 403, 410
BAD_TOKENS = {"BadDeviceToken"}
BAD_CREDENTIALS = {"ExpiredProviderToken", "InvalidProviderToken"}
REASON = re.compile(r"[A-Za-z]{1,59}")


@cache
def provider_token() -> Credential:
    """The process's one."""
    return Credential(_sign)


def _sign() -> tuple[str, timedelta]:
    token = jwt.encode(
        {"iss": settings.APNS_TEAM_ID, "iat": int(clock.now().timestamp())},
        settings.APNS_KEY,
        algorithm="ES256",
        headers={"kid": settings.APNS_KEY_ID},
    )
    return token, RENEWED_AFTER


def deliver(target: Target) -> None:
    """Send a background push that shows nothing. Raises PushError, TokenGoneError."""
    if not settings.APNS_KEY:
        raise PushError("Apple's push service is not set up on this server.")
    sandbox = target.environment == Environment.SANDBOX
    credential = provider_token().text()
    answer = post(
        SERVICE,
        f"{settings.APNS_SANDBOX_URL if sandbox else settings.APNS_URL}/3/device/{target.token}",
        content=PAYLOAD,
        headers={
            "authorization": f"bearer {credential}",
            "apns-topic": settings.APNS_TOPIC,
            "apns-push-type": "background",
            "apns-priority": "5",
            "apns-collapse-id": COLLAPSE_ID,
            # A phone that is off is woken when it is on again, as long as something may wait.
            "apns-expiration": str(int((clock.now() + settings.ENVELOPE_MAX_AGE).timestamp())),
        },
    )
    if answer.status_code == TAKEN:
        return
    reason = str(document(answer).get("reason", ""))
    if answer.status_code == GONE or (answer.status_code == REFUSED and reason in BAD_TOKENS):
        raise TokenGoneError(f"{SERVICE} no longer knows the token.")
    if answer.status_code == FORBIDDEN and reason in BAD_CREDENTIALS:
        provider_token().forget(credential)
    # Apple's reasons are words of a fixed list; anything else could repeat what it was sent.
    named = f" ({reason})" if REASON.fullmatch(reason) else ""
    raise PushError(f"{SERVICE} answered {answer.status_code}{named}.")
