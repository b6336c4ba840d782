"""A device's sessions with other devices: begun with a claimed bundle, answered, used.

Two devices may begin at the same time, so there can be several with one peer: each that opens
something of the peer's comes first, and is what the next message to it is sent by.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from semafore.local.client.agreement import AgreementError
from semafore.local.client.headers import bound, read_initial
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.ratchet import (
    Peer,
    Session,
    UndecryptableError,
)
from semafore.local.client.wire import decode

KEPT: Final = 8
"""Sessions of one peer; the oldest ones go."""


def established(keys: DeviceKeys, device_id: UUID) -> bool:
    """Whether there is a session with this device."""
    peer = keys.peers.get(device_id)
    return peer is not None and bool(peer.sessions)


def wants_bundle(keys: DeviceKeys, device_id: UUID) -> bool:
    """Whether a message to this device should begin a session, for which its bundle is claimed."""
    return not established(keys, device_id) or keys.peers[device_id].renew


def begin(
    keys: DeviceKeys, device_id: UUID, bundle: Mapping[str, Any], text: bytes
) -> tuple[str, bytes]:
    """Start a session with the device whose claimed bundle this is; returns as `encrypt` does.

    Raises AgreementError, also when the device's identity key is not the one known so far.
    """
    secret, header = keys.initiate(bundle)
    identity_key = decode(bundle["identity_key"])
    peer = _known(keys, device_id, identity_key)
    session, message = Session.begin(
        secret,
        header,
        decode(bundle["signed_pre_key"]["public_key"]),
        bound(header, identity_key),
        text,
    )
    peer.registration_id = bundle["registration_id"]
    peer.renew = False
    _put_first(keys, device_id, peer, session)
    return "pre_key", message


def encrypt(keys: DeviceKeys, device_id: UUID, text: bytes) -> tuple[str, bytes]:
    """The envelope's type and ciphertext, by the session used last; there must be one."""
    return keys.peers[device_id].sessions[0].encrypt(text)


def decrypt(keys: DeviceKeys, device_id: UUID, kind: str, ciphertext: bytes) -> bytes:
    """The text of an envelope of this type from this device.

    Raises UndecryptableError, DuplicateError, AgreementError; then nothing has changed.
    """
    if kind == "pre_key":
        return _open_first(keys, device_id, ciphertext)
    peer = keys.peers.get(device_id)
    if peer is not None:
        for session in peer.sessions:
            try:
                text = session.decrypt(ciphertext)
            except UndecryptableError:
                continue
            _put_first(keys, device_id, peer, session)
            return text
    raise UndecryptableError("none of the sessions with its sender opens the message")


def _open_first(keys: DeviceKeys, device_id: UUID, envelope: bytes) -> bytes:
    """A message with an initial header: of a session that is here, or of one that begins now."""
    header, message = read_initial(envelope)
    peer = _known(keys, device_id, header.identity_key)
    for session in peer.sessions:
        if session.key == header.ephemeral_key:
            text = session.decrypt(message)
            _put_first(keys, device_id, peer, session)
            return text
    session, text = Session.answer(
        keys.secret_of(header),
        header.ephemeral_key,
        keys.signed_pre_keys[header.signed_pre_key_id].private_key,
        bound(header, keys.identity_key),
        message,
    )
    keys.use_up(header)
    peer.registration_id = header.registration_id
    _put_first(keys, device_id, peer, session)
    return text


def _known(keys: DeviceKeys, device_id: UUID, identity_key: bytes) -> Peer:
    """The peer, as it is held or a new one. Raises AgreementError for another identity key.

    The first that is seen is believed; people compare fingerprints.
    """
    peer = keys.peers.get(device_id) or Peer(identity_key)
    if peer.identity_key != identity_key:
        raise AgreementError("the device's identity key is another than before")
    return peer


def _put_first(keys: DeviceKeys, device_id: UUID, peer: Peer, session: Session) -> None:
    """This session is what the peer was heard by last, or is to be."""
    others = [one for one in peer.sessions if one is not session]
    peer.sessions = [session, *others][:KEPT]
    keys.peers[device_id] = peer
