"""Secrets at rest: sealed where they must be read again, hashed under a key where they need not.

A copy of the database alone opens nothing of either kind.
"""

import base64
import hmac
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def derived_key(purpose: str) -> bytes:
    """32 bytes of SECRET_KEY that serve one purpose."""
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"semafore/{purpose}".encode())
    return derivation.derive(settings.SECRET_KEY.encode())


@cache
def _box_of_each() -> list[Fernet]:
    keys = settings.FIELD_KEYS or [base64.urlsafe_b64encode(derived_key("field")).decode()]
    return [Fernet(key) for key in keys]


def _boxes() -> MultiFernet:
    return MultiFernet(_box_of_each())


def seal(value: bytes) -> bytes:
    """Encrypt under the first of FIELD_KEYS; without any, under one derived from SECRET_KEY."""
    return _boxes().encrypt(value)


def unseal(sealed: bytes | memoryview) -> bytes:
    """Decrypt with whichever of FIELD_KEYS it was. Raises cryptography.fernet.InvalidToken."""
    return _boxes().decrypt(bytes(sealed))


def sealed_anew(sealed: bytes | memoryview) -> bytes | None:
    """The same under the first of FIELD_KEYS; None where it is. Raises InvalidToken as `unseal`."""
    try:
        _box_of_each()[0].decrypt(bytes(sealed))
    except InvalidToken:
        return _boxes().rotate(bytes(sealed))
    return None


def keyed_hash(purpose: str, value: bytes) -> bytes:
    """HMAC-SHA-256 (32 bytes) under a key of its own for each purpose.

    For what is short enough to be guessed, such as a code of six digits.
    """
    return hmac.digest(derived_key(purpose), value, "sha256")
