"""The form of what stands before a ciphertext: the header of a message, and that of a first one.

Every field has one length, so a header has one encoding; both are authenticated with the message.
"""

import struct
from typing import Final

from doubleratchet import EncryptedMessage, Header

from semafore.local.client.agreement import AgreementError, InitialHeader, associated_data
from semafore.local.client.wire import encode

VERSION: Final = 1

# Version, ratchet key, length of the chain before, number in this chain.
_MESSAGE: Final = struct.Struct(">B32sII")
# Version, registration id, identity key, ephemeral key, SPK id, OPK id or 0 (ids begin at 1).
_INITIAL: Final = struct.Struct(">BH32s32sII")


def bound(header: InitialHeader, responder: bytes) -> bytes:
    """What both sides authenticate with each message: who talks to whom, and how it began."""
    return associated_data(header.identity_key, responder) + initial_bytes(header)


def initial_bytes(header: InitialHeader) -> bytes:
    """An initial header, 75 bytes."""
    return _INITIAL.pack(
        VERSION,
        header.registration_id,
        header.identity_key,
        header.ephemeral_key,
        header.signed_pre_key_id,
        header.one_time_pre_key_id or 0,
    )


def read_initial(envelope: bytes) -> tuple[InitialHeader, bytes]:
    """The initial header of a `pre_key` envelope, and the message after it.

    Raises AgreementError, also for keys that are fit for no agreement.
    """
    try:
        version, *fields = _INITIAL.unpack_from(envelope)
    except struct.error as error:
        raise AgreementError("the first message is too short") from error
    if version != VERSION:
        raise AgreementError(f"a first message of version {version}")
    registration_id, identity_key, ephemeral_key, signed_id, one_time_id = fields
    # By way of JSON, which checks the keys.
    header = InitialHeader.from_json(
        {
            "registration_id": registration_id,
            "identity_key": encode(identity_key),
            "ephemeral_key": encode(ephemeral_key),
            "signed_pre_key_id": signed_id,
            "one_time_pre_key_id": one_time_id or None,
        }
    )
    return header, envelope[_INITIAL.size :]


def message_bytes(message: EncryptedMessage) -> bytes:
    """A message: its header, 41 bytes, and its ciphertext."""
    return header_bytes(message.header) + message.ciphertext


def header_bytes(header: Header) -> bytes:
    """The header of every message."""
    return _MESSAGE.pack(
        VERSION,
        header.ratchet_pub,
        header.previous_sending_chain_length,
        header.sending_chain_length,
    )


def read_message(message: bytes) -> EncryptedMessage:
    """Read what `message_bytes` wrote. Raises ValueError."""
    try:
        version, ratchet_pub, before, number = _MESSAGE.unpack_from(message)
    except struct.error as error:
        raise ValueError("the message is too short") from error
    if version != VERSION:
        raise ValueError(f"a message of version {version}")
    return EncryptedMessage(
        header=Header(
            ratchet_pub=ratchet_pub,
            previous_sending_chain_length=before,
            sending_chain_length=number,
        ),
        ciphertext=message[_MESSAGE.size :],
    )
