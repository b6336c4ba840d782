"""X3DH and the Double Ratchet as docs/clients/sessions.md says, with every step to be looked at."""

import hmac
import struct
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.padding import PKCS7

from tests.docs.vectors.curve import public_key, x25519

X3DH_INFO = b"semafore/x3dh-25519/v1"
ROOT_INFO = b"semafore/ratchet/root/v1"
MESSAGE_INFO = b"semafore/ratchet/message/v1"
ZERO_SALT = bytes(32)
BLOCK_BITS = 128
TAG = 32
INITIAL = 75
HEADER = 41


def hkdf(salt: bytes, key_material: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(key_material)


def key_material(dhs: list[bytes]) -> bytes:
    """What X3DH puts into HKDF."""
    return b"\xff" * 32 + b"".join(dhs)


def x3dh_secret(dhs: list[bytes]) -> bytes:
    return hkdf(ZERO_SALT, key_material(dhs), X3DH_INFO, 32)


def initial_header(
    registration_id: int, identity: bytes, ephemeral: bytes, signed_id: int, one_time_id: int | None
) -> bytes:
    numbers = struct.pack(">II", signed_id, one_time_id or 0)
    return struct.pack(">BH", 1, registration_id) + identity + ephemeral + numbers


def associated_data(initiator: bytes, responder: bytes, initial: bytes) -> bytes:
    return b"\x05" + initiator + b"\x05" + responder + initial


def message_header(ratchet_key: bytes, before: int, number: int) -> bytes:
    return b"\x01" + ratchet_key + struct.pack(">II", before, number)


def root_step(root_key: bytes, dh: bytes) -> tuple[bytes, bytes]:
    """The next root key, and a chain key."""
    made = hkdf(root_key, dh, ROOT_INFO, 64)
    return made[:32], made[32:]


def chain_step(chain_key: bytes) -> tuple[bytes, bytes]:
    """The next chain key, and a message key."""
    return hmac.digest(chain_key, b"\x01", sha256), hmac.digest(chain_key, b"\x02", sha256)


@dataclass(frozen=True)
class MessageKeys:
    """What one message is sealed with."""

    encryption: bytes
    authentication: bytes
    iv: bytes

    @classmethod
    def of(cls, message_key: bytes) -> "MessageKeys":
        made = hkdf(ZERO_SALT, message_key, MESSAGE_INFO, 80)
        return cls(made[:32], made[32:64], made[64:])

    def seal(self, text: bytes, data: bytes) -> bytes:
        padder = PKCS7(BLOCK_BITS).padder()
        encryptor = Cipher(AES256(self.encryption), CBC(self.iv)).encryptor()
        padded = padder.update(text) + padder.finalize()
        sealed = encryptor.update(padded) + encryptor.finalize()
        return sealed + hmac.digest(self.authentication, data + sealed, sha256)

    def open(self, sealed: bytes, data: bytes) -> bytes:
        """Raises ValueError."""
        sealed, tag = sealed[:-TAG], sealed[-TAG:]
        if not hmac.compare_digest(tag, hmac.digest(self.authentication, data + sealed, sha256)):
            raise ValueError("the tag is wrong")
        decryptor = Cipher(AES256(self.encryption), CBC(self.iv)).decryptor()
        unpadder = PKCS7(BLOCK_BITS).unpadder()
        padded = decryptor.update(sealed) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()


@dataclass
class Ratchet:
    """One side of a session; `privates` are the ratchet keys that it is going to use, in turn."""

    root_key: bytes
    data: bytes
    privates: list[bytes]
    own: bytes = b""
    other: bytes = b""
    sending: bytes = b""
    sent: int = 0
    before: int = 0
    receiving: bytes = b""
    received: int = 0
    skipped: dict[tuple[bytes, int], bytes] = field(default_factory=dict)

    @classmethod
    def initiator(
        cls, secret: bytes, signed_pre_key: bytes, data: bytes, privates: list[bytes]
    ) -> "Ratchet":
        made = cls(secret, data, privates, other=signed_pre_key)
        made._new_sending_chain()
        return made

    @classmethod
    def responder(
        cls, secret: bytes, signed_private: bytes, data: bytes, privates: list[bytes]
    ) -> "Ratchet":
        return cls(secret, data, privates, own=signed_private)

    def _new_sending_chain(self) -> None:
        self.own = self.privates.pop(0)
        self.root_key, self.sending = root_step(self.root_key, x25519(self.own, self.other))
        self.before, self.sent = self.sent, 0

    def encrypt(self, text: bytes) -> tuple[bytes, bytes, MessageKeys]:
        """The message with its header, the message key and what is derived from it."""
        self.sending, message_key = chain_step(self.sending)
        header = message_header(public_key(self.own), self.before, self.sent)
        self.sent += 1
        keys = MessageKeys.of(message_key)
        return header + keys.seal(text, self.data + header), message_key, keys

    def decrypt(self, message: bytes) -> bytes:
        """Raises ValueError; then the state is spoilt (a device works on a copy)."""
        header, sealed = message[:HEADER], message[HEADER:]
        ratchet_key, (before, number) = header[1:33], struct.unpack(">II", header[33:])
        message_key = self.skipped.pop((ratchet_key, number), None)
        if message_key is None:
            if ratchet_key != self.other:
                self._skip_to(before)
                self.other, self.received = ratchet_key, 0
                dh = x25519(self.own, ratchet_key)
                self.root_key, self.receiving = root_step(self.root_key, dh)
                self._new_sending_chain()
            if number < self.received:
                raise ValueError("a duplicate")
            self._skip_to(number)
            self.receiving, message_key = chain_step(self.receiving)
            self.received += 1
        return MessageKeys.of(message_key).open(sealed, self.data + header)

    def _skip_to(self, number: int) -> None:
        while self.receiving and self.received < number:
            self.receiving, message_key = chain_step(self.receiving)
            self.skipped[self.other, self.received] = message_key
            self.received += 1
