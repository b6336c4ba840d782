"""Keys as a device uploads them, and the rules that hold for each before anything is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from keys.curve import check_public_key, verify_xeddsa
from keys.errors import PublicKeyInvalid, SignatureInvalid, TooManyKeys
from keys.messages import signed_pre_key_message

BATCH_MAX = 100
HELD_MAX = 1000
KEY_ID_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class SignedPreKeyUpload:
    """Key id 1 to 2^31-1, public key 32 bytes, XEdDSA signature 64 bytes over 05 ‖ public key."""

    key_id: int
    public_key: bytes
    signature: bytes

    @property
    def key_hash(self) -> bytes:
        """What stays of the key when it is gone."""
        return sha256(self.public_key).digest()


@dataclass(frozen=True, slots=True)
class OneTimePreKeyUpload:
    """Key id 1 to 2^31-1, public key 32 bytes."""

    key_id: int
    public_key: bytes


def check_identity_key(identity_key: bytes) -> None:
    """Raises PublicKeyInvalid."""
    _check([("identity_key", identity_key)])


def check_upload(
    identity_key: bytes,
    signed_pre_key: SignedPreKeyUpload | None,
    one_time_pre_keys: Sequence[OneTimePreKeyUpload],
    *,
    prefix: str = "signed_pre_key.",
) -> None:
    """Lengths, canonical form, order, distinctness, the SPK's signature, the size of the batch.

    Raises TooManyKeys, PublicKeyInvalid, SignatureInvalid. Changes nothing.
    """
    if len(one_time_pre_keys) > BATCH_MAX:
        raise TooManyKeys(detail=f"At most {BATCH_MAX} one-time pre-keys go in one request.")
    named = [
        (f"one_time_pre_keys[{index}].public_key", key.public_key)
        for index, key in enumerate(one_time_pre_keys)
    ]
    if signed_pre_key is not None:
        named.append((f"{prefix}public_key", signed_pre_key.public_key))
    _check(named, seen={identity_key})
    if signed_pre_key is not None:
        message = signed_pre_key_message(signed_pre_key.public_key)
        if not verify_xeddsa(identity_key, message, signed_pre_key.signature):
            raise SignatureInvalid(
                detail="The signed pre-key's signature is not by this device's identity key.",
                field=f"{prefix}signature",
            )


DEFECTS = {
    "wrong_length": "Must be 32 bytes.",
    "non_canonical": "Not the canonical form of a u-coordinate.",
    "low_order": "A point of low order.",
    "not_distinct": "The same key stands twice in this bundle.",
}


def _check(named: Sequence[tuple[str, bytes]], seen: set[bytes] | None = None) -> None:
    met = set(seen or ())
    errors = []
    for field, key in named:
        defect: str | None = check_public_key(key)
        if defect is None and key in met:
            defect = "not_distinct"
        met.add(key)
        if defect is not None:
            errors.append({"field": field, "code": str(defect), "detail": DEFECTS[defect]})
    if errors:
        raise PublicKeyInvalid(errors=errors)
