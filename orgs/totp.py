"""Time-based one-time passwords (RFC 6238): 6 digits, 30 seconds, one step of tolerance."""

import base64
import re
import secrets
from urllib.parse import quote, urlencode

from django_otp.oath import TOTP

from semafore.kernel import clock

ISSUER = "SemaFore"
KEY_LENGTH = 20
TOLERANCE = 1
CODE = re.compile(r"[0-9]{6}")


def new_totp_key() -> bytes:
    """A key of 160 bits."""
    return secrets.token_bytes(KEY_LENGTH)


def check_totp(key: bytes, code: str, last_step: int = 0) -> int | None:
    """The time step that the code is of, later than `last_step`; None when it is wrong or old."""
    if CODE.fullmatch(code) is None:
        return None
    totp = TOTP(key)
    totp.time = clock.now().timestamp()
    if not totp.verify(int(code), tolerance=TOLERANCE, min_t=last_step + 1):
        return None
    return int(totp.t())


def key_text(key: bytes) -> str:
    """The key in base32, for people who type it."""
    return base64.b32encode(key).decode()


def otpauth_url(key: bytes, label: str) -> str:
    """What the QR code holds; `label` says whose account it is."""
    query = urlencode({"secret": key_text(key), "issuer": ISSUER, "digits": 6, "period": 30})
    return f"otpauth://totp/{quote(f'{ISSUER}:{label}')}?{query}"
