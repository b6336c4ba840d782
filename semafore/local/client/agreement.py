"""X3DH between two devices by the `x3dh` package, over the bundle that a claim returns.

Sources: Signal's X3DH specification, api.md (bundle). Keys are named by key id on the wire; the
package knows them by value alone, so each agreement gives it a state with just those keys.
"""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

import x3dh
import xeddsa
from x3dh.identity_key_pair import IdentityKeyPair
from x3dh.models import BaseStateModel, SignedPreKeyPairModel

from keys.curve import SIGNATURE_LENGTH, check_public_key
from keys.messages import encode_public_key
from semafore.local.client.wire import JsonObject, decode, encode

SUITE: Final = "x3dh-25519"

# Both sides put this into HKDF, so that no other protocol derives the same secret.
_INFO: Final = b"semafore/x3dh-25519/v1"
_HASH: Final = x3dh.HashFunction.SHA_256
_SIGN_BIT: Final = 0x80

T = TypeVar("T")


class AgreementError(Exception):
    """No secret can be agreed on; the message says why, in words for the device's holder."""


@dataclass(frozen=True, slots=True)
class InitialHeader:
    """What the first message to a device carries in clear: it names the keys to answer with.

    A one-time pre-key id of None means that the bundle had none left (three-DH X3DH).
    """

    registration_id: int
    identity_key: bytes
    ephemeral_key: bytes
    signed_pre_key_id: int
    one_time_pre_key_id: int | None

    def to_json(self) -> JsonObject:
        """Return the header as JSON, keys in base64."""
        return {
            "registration_id": self.registration_id,
            "identity_key": encode(self.identity_key),
            "ephemeral_key": encode(self.ephemeral_key),
            "signed_pre_key_id": self.signed_pre_key_id,
            "one_time_pre_key_id": self.one_time_pre_key_id,
        }

    @classmethod
    def from_json(cls, header: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; raises AgreementError when it isn't that."""
        try:
            return cls(
                registration_id=header["registration_id"],
                identity_key=_key(header["identity_key"]),
                ephemeral_key=_key(header["ephemeral_key"]),
                signed_pre_key_id=header["signed_pre_key_id"],
                one_time_pre_key_id=header["one_time_pre_key_id"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise AgreementError(f"the initial message's header can't be read: {error}") from error


class X3DH(x3dh.BaseState):
    """The package's state with Signal's key encoding, whichever form the identity key is in."""

    @staticmethod
    def _encode_public_key(key_format: x3dh.IdentityKeyFormat, pub: bytes) -> bytes:
        if key_format is x3dh.IdentityKeyFormat.ED_25519:
            pub = xeddsa.ed25519_pub_to_curve25519_pub(pub)
        return encode_public_key(pub)


def associated_data(initiator: bytes, responder: bytes) -> bytes:
    """Return what both sides authenticate with each message: both identity keys, encoded."""
    return encode_public_key(initiator) + encode_public_key(responder)


def make_signed_pre_key(identity: IdentityKeyPair) -> tuple[bytes, bytes]:
    """Return a new SPK as (private key, signature by the identity key in the paper's XEdDSA)."""
    state = X3DH.create(x3dh.IdentityKeyFormat.CURVE_25519, _HASH, _INFO, identity)
    made = state.model.signed_pre_key
    return made.priv, made.sig


def initiate(
    identity: IdentityKeyPair,
    registration_id: int,
    bundle: Mapping[str, Any],
) -> tuple[bytes, InitialHeader]:
    """Agree on a secret (32 bytes) with the device whose claimed bundle this is (JSON of api.md).

    Raises AgreementError when the suite is unknown, the bundle is malformed or a signature or key
    is bad: the package verifies the SPK's signature before it computes anything.
    """
    if bundle.get("suite") != SUITE:
        raise AgreementError(
            f"the bundle is for suite {bundle.get('suite')!r}, this device speaks {SUITE}"
        )
    try:
        signed, one_time = bundle["signed_pre_key"], bundle["one_time_pre_key"]
        public = _public_bundle(
            identity_key=_key(bundle["identity_key"]),
            signed_pre_key=_key(signed["public_key"]),
            signature=decode(signed["signature"]),
            one_time_pre_key=None if one_time is None else _key(one_time["public_key"]),
        )
        signed_id: int = signed["key_id"]
        one_time_id: int | None = None if one_time is None else one_time["key_id"]
    except (KeyError, TypeError, ValueError) as error:
        raise AgreementError(f"the bundle can't be read: {error}") from error

    # The Edwards form, because it alone can carry the sign that libsignal puts into the signature.
    state = _state(identity, x3dh.IdentityKeyFormat.ED_25519)
    secret, _data, header = _agree(
        state.get_shared_secret_active(public, require_pre_key=False),
    )
    return secret, InitialHeader(
        registration_id=registration_id,
        identity_key=xeddsa.priv_to_curve25519_pub(identity.as_priv().priv),
        ephemeral_key=header.ephemeral_key,
        signed_pre_key_id=signed_id,
        one_time_pre_key_id=one_time_id,
    )


def respond(
    identity: IdentityKeyPair,
    header: InitialHeader,
    signed_pre_key: bytes,
    one_time_pre_key: bytes | None,
) -> bytes:
    """Return the secret (32 bytes) that the header's sender derived, from the named private keys.

    Raises AgreementError when a key in the header is bad.
    """
    state = _state(
        identity,
        x3dh.IdentityKeyFormat.CURVE_25519,
        signed_pre_key=signed_pre_key,
        one_time_pre_key=one_time_pre_key,
    )
    received = x3dh.Header(
        identity_key=header.identity_key,
        ephemeral_key=header.ephemeral_key,
        signed_pre_key=xeddsa.priv_to_curve25519_pub(signed_pre_key),
        pre_key=None if one_time_pre_key is None else public_key(one_time_pre_key),
    )
    secret, _data, _pair = _agree(
        state.get_shared_secret_passive(received, require_pre_key=False),
    )
    return secret


def public_key(private_key: bytes) -> bytes:
    """Return the Curve25519 public key of a private one."""
    return xeddsa.priv_to_curve25519_pub(private_key)


def _key(value: str) -> bytes:
    """Return a public key from its base64; raises ValueError when it is fit for no agreement."""
    key = decode(value)
    defect = check_public_key(key)
    if defect is not None:
        raise ValueError(f"public key {value}: {defect}")
    return key


def _public_bundle(
    *,
    identity_key: bytes,
    signed_pre_key: bytes,
    signature: bytes,
    one_time_pre_key: bytes | None,
) -> x3dh.Bundle:
    """Return the package's bundle, the signature's sign bit moved to the Edwards identity key."""
    if len(signature) != SIGNATURE_LENGTH:
        raise ValueError(f"a signature of {len(signature)} bytes")
    sign = bool(signature[-1] & _SIGN_BIT)
    return x3dh.Bundle(
        identity_key=xeddsa.curve25519_pub_to_ed25519_pub(identity_key, sign),
        signed_pre_key=signed_pre_key,
        signed_pre_key_sig=signature[:-1] + bytes((signature[-1] & ~_SIGN_BIT,)),
        pre_keys=frozenset() if one_time_pre_key is None else frozenset((one_time_pre_key,)),
    )


def _state(
    identity: IdentityKeyPair,
    key_format: x3dh.IdentityKeyFormat,
    *,
    signed_pre_key: bytes = bytes(32),
    one_time_pre_key: bytes | None = None,
) -> X3DH:
    """Return a state with these keys and no others; the active side needs the identity alone."""
    model = BaseStateModel(
        identity_key=identity.model,
        signed_pre_key=SignedPreKeyPairModel(priv=signed_pre_key, sig=bytes(64), timestamp=0),
        old_signed_pre_key=None,
        pre_keys=frozenset() if one_time_pre_key is None else frozenset((one_time_pre_key,)),
    )
    return X3DH.from_model(model, key_format, _HASH, _INFO)


def _agree(agreement: Coroutine[Any, Any, T]) -> T:
    """Run one of the package's coroutines.

    Raises AgreementError for all the ways in which the package refuses keys.
    """
    try:
        return at_once(agreement)
    except (x3dh.KeyAgreementException, xeddsa.XEdDSAException, ValueError) as error:
        raise AgreementError(str(error)) from error


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine of `x3dh` or `doubleratchet`: they await nothing that suspends, so no loop.

    Raises what the coroutine raises.
    """
    try:
        coroutine.send(None)
    except StopIteration as finished:
        result: T = finished.value
        return result
    finally:
        coroutine.close()
    raise RuntimeError("the package suspended: it needs an event loop now")
