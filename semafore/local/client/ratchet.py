"""One Double Ratchet session by the `doubleratchet` package.

Source: Signal's Double Ratchet specification, with the algorithms it recommends.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from doubleratchet import (
    AuthenticationFailedException,
    DecryptionFailedException,
    DoSProtectionException,
    DoubleRatchet,
    DuplicateMessageException,
    Header,
)
from doubleratchet.recommended import (
    HashFunction,
    aead_aes_hmac,
    diffie_hellman_ratchet_curve25519,
    kdf_hkdf,
    kdf_separate_hmacs,
)

from semafore.local.client.agreement import InitialHeader, at_once
from semafore.local.client.headers import (
    header_bytes,
    initial_bytes,
    message_bytes,
    read_message,
)
from semafore.local.client.wire import JsonObject, decode, encode

SKIPPED_AT_ONCE: Final = 1000
"""So many messages may be missing before one that came: more is an attack, or lost for good."""
SKIPPED_KEPT: Final = 2000

_REFUSALS: Final = (
    AuthenticationFailedException,
    DecryptionFailedException,
    DoSProtectionException,
    ValueError,
)


class UndecryptableError(Exception):
    """No session of this device opens the message; the text says why."""


class DuplicateError(Exception):
    """The session has given this message's text before."""


class _Root(kdf_hkdf.KDF):
    @staticmethod
    def _get_hash_function() -> HashFunction:
        return HashFunction.SHA_256

    @staticmethod
    def _get_info() -> bytes:
        return b"semafore/ratchet/root/v1"


class _Chain(kdf_separate_hmacs.KDF):
    @staticmethod
    def _get_hash_function() -> HashFunction:
        return HashFunction.SHA_256


class _Seal(aead_aes_hmac.AEAD):
    @staticmethod
    def _get_hash_function() -> HashFunction:
        return HashFunction.SHA_256

    @staticmethod
    def _get_info() -> bytes:
        return b"semafore/ratchet/message/v1"


class _Ratchet(DoubleRatchet):
    @staticmethod
    def _build_associated_data(associated_data: bytes, header: Header) -> bytes:
        # What stands before the header has one length too (Session.associated_data).
        return associated_data + header_bytes(header)


_CHOICES: Final[Mapping[str, Any]] = {
    "diffie_hellman_ratchet_class": diffie_hellman_ratchet_curve25519.DiffieHellmanRatchet,
    "root_chain_kdf": _Root,
    "message_chain_kdf": _Chain,
    "message_chain_constant": b"\x01\x02",
    "dos_protection_threshold": SKIPPED_AT_ONCE,
    "max_num_skipped_message_keys": SKIPPED_KEPT,
    "aead": _Seal,
}


@dataclass(slots=True)
class Session:
    """One session with one device. A message that fails leaves it as it was."""

    key: bytes
    """The initiator's ephemeral key, by which a repeated first message is known."""
    associated_data: bytes
    state: JsonObject = field(repr=False)
    opening: bytes | None = None
    """The initial header, sent with every message until the peer has answered."""

    @classmethod
    def begin(
        cls, secret: bytes, header: InitialHeader, signed_pre_key: bytes, data: bytes, text: bytes
    ) -> tuple[Self, bytes]:
        """Start a session with whoever has this signed pre-key; returns it and the first message.

        `data` is authenticated with every message: `bound` of the header.
        """
        ratchet, message = at_once(
            _Ratchet.encrypt_initial_message(
                **_CHOICES,
                shared_secret=secret,
                recipient_ratchet_pub=signed_pre_key,
                message=text,
                associated_data=data,
            )
        )
        opening = initial_bytes(header)
        session = cls(header.ephemeral_key, data, dict(ratchet.json), opening)
        return session, opening + message_bytes(message)

    @classmethod
    def answer(
        cls, secret: bytes, key: bytes, signed_pre_key: bytes, data: bytes, message: bytes
    ) -> tuple[Self, bytes]:
        """The other side of `begin`, with the private SPK. Raises UndecryptableError."""
        try:
            ratchet, text = at_once(
                _Ratchet.decrypt_initial_message(
                    **_CHOICES,
                    shared_secret=secret,
                    own_ratchet_priv=signed_pre_key,
                    message=read_message(message),
                    associated_data=data,
                )
            )
        except (DuplicateMessageException, *_REFUSALS) as error:
            raise UndecryptableError(str(error)) from error
        return cls(key, data, dict(ratchet.json)), text

    def encrypt(self, text: bytes) -> tuple[str, bytes]:
        """The envelope's type and ciphertext."""
        ratchet = self._ratchet()
        message = message_bytes(at_once(ratchet.encrypt_message(text, self.associated_data)))
        self.state = dict(ratchet.json)
        if self.opening is None:
            return "message", message
        return "pre_key", self.opening + message

    def decrypt(self, message: bytes) -> bytes:
        """The text. Raises UndecryptableError, DuplicateError."""
        ratchet = self._ratchet()
        try:
            text = at_once(ratchet.decrypt_message(read_message(message), self.associated_data))
        except DuplicateMessageException as error:
            raise DuplicateError from error
        except _REFUSALS as error:
            raise UndecryptableError(str(error)) from error
        self.state = dict(ratchet.json)
        self.opening = None
        return text

    def _ratchet(self) -> _Ratchet:
        return _Ratchet.from_json(self.state, **_CHOICES)

    def to_json(self) -> JsonObject:
        """For the device's own state file only."""
        return {
            "key": encode(self.key),
            "associated_data": encode(self.associated_data),
            "state": self.state,
            "opening": None if self.opening is None else encode(self.opening),
        }

    @classmethod
    def from_json(cls, session: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; raises KeyError, TypeError or ValueError on anything else."""
        opening = session["opening"]
        return cls(
            key=decode(session["key"]),
            associated_data=decode(session["associated_data"]),
            state=session["state"],
            opening=None if opening is None else decode(opening),
        )


@dataclass(slots=True)
class Peer:
    """Another device as this one knows it, and the sessions with it, the one to send by first."""

    identity_key: bytes
    registration_id: int = 0
    sessions: list[Session] = field(default_factory=list)
    renew: bool = False
    """Something of it could not be decrypted: the next message to it begins a new session."""
    proven: bool = False
    """The log proves that this identity key was approved; else it is asked before each message."""

    def to_json(self) -> JsonObject:
        """For the device's own state file only."""
        return {
            "identity_key": encode(self.identity_key),
            "registration_id": self.registration_id,
            "sessions": [session.to_json() for session in self.sessions],
            "renew": self.renew,
            "proven": self.proven,
        }

    @classmethod
    def from_json(cls, peer: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; raises KeyError, TypeError or ValueError on anything else."""
        return cls(
            identity_key=decode(peer["identity_key"]),
            registration_id=peer["registration_id"],
            sessions=[Session.from_json(session) for session in peer["sessions"]],
            renew=peer["renew"],
            # A file from before this was kept: the log is asked once more.
            proven=peer.get("proven", False),
        )
