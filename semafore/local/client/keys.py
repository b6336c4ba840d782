"""A device's keys, private halves included: made, rotated, used and written to one state file."""

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self
from uuid import UUID

import xeddsa
from x3dh.identity_key_pair import IdentityKeyPair, IdentityKeyPairSeed

from keys.fingerprint import bundle_digest, numbered
from keys.messages import device_auth_message, endorsement_message, enrolment_message
from semafore.local.client import agreement
from semafore.local.client.agreement import AgreementError, InitialHeader
from semafore.local.client.content import Entry
from semafore.local.client.ratchet import Peer
from semafore.local.client.seen import SeenLog
from semafore.local.client.wire import JsonObject, decode, encode

# An initial message may be made on the last hour of a superseded SPK's grace (168 hours) and then
# wait for its longest in the mailbox (720), so the private key is needed for both together.
SUPERSEDED_KEPT_SECONDS: Final = (168 + 720) * 3600

_STATE_VERSION: Final = 1
_REGISTRATION_IDS: Final = range(1, 16381)


@dataclass(slots=True)
class SignedPreKey:
    """A signed pre-key pair; times in seconds since 1970, `superseded_at` None while current."""

    key_id: int
    private_key: bytes = field(repr=False)
    signature: bytes
    created_at: int
    superseded_at: int | None = None

    @property
    def public_key(self) -> bytes:
        """The public half."""
        return agreement.public_key(self.private_key)

    def to_public_json(self) -> JsonObject:
        """Return the body of `PUT …/signed-pre-key`."""
        return {
            "key_id": self.key_id,
            "public_key": encode(self.public_key),
            "signature": encode(self.signature),
        }


@dataclass(slots=True)
class DeviceKeys:
    """A device's keys, sessions, texts, and view of the log; whoever changes it writes it out."""

    registration_id: int
    identity: IdentityKeyPair = field(repr=False)
    signed_pre_keys: dict[int, SignedPreKey] = field(default_factory=dict)
    one_time_pre_keys: dict[int, bytes] = field(default_factory=dict, repr=False)
    next_one_time_pre_key_id: int = 1
    peers: dict[UUID, Peer] = field(default_factory=dict)
    history: list[Entry] = field(default_factory=list)
    log: SeenLog | None = None

    @classmethod
    def generate(cls) -> Self:
        """Return a new device's keys: an identity key and a first SPK, no OPKs yet."""
        keys = cls(
            registration_id=secrets.choice(_REGISTRATION_IDS),
            identity=IdentityKeyPairSeed(secrets.token_bytes(32)),
        )
        keys.rotate_signed_pre_key()
        return keys

    @property
    def identity_key(self) -> bytes:
        """The public identity key, a u-coordinate of 32 bytes."""
        return agreement.public_key(self.identity.as_priv().priv)

    @property
    def signed_pre_key(self) -> SignedPreKey:
        """The current SPK: the one with the highest key id."""
        return self.signed_pre_keys[max(self.signed_pre_keys)]

    def rotate_signed_pre_key(self, *, above: int = 0) -> SignedPreKey:
        """Make a new current SPK with the next id; keep old ones while mail may need them.

        The id is beyond `above` too: what the server knows, in case this state is an older copy.
        """
        now = int(time.time())
        if self.signed_pre_keys:
            self.signed_pre_key.superseded_at = now
        key_id = max(above, *self.signed_pre_keys, 0) + 1
        self.signed_pre_keys = {
            held.key_id: held
            for held in self.signed_pre_keys.values()
            if held.superseded_at is None or now - held.superseded_at < SUPERSEDED_KEPT_SECONDS
        }
        private_key, signature = agreement.make_signed_pre_key(self.identity)
        made = SignedPreKey(key_id, private_key, signature, created_at=now)
        self.signed_pre_keys[key_id] = made
        return made

    def forget_signed_pre_key(self, key_id: int) -> None:
        """Drop an SPK that the server refused; the one before it is current again."""
        del self.signed_pre_keys[key_id]
        self.signed_pre_key.superseded_at = None

    def make_one_time_pre_keys(self, count: int, *, above: int = 0) -> list[JsonObject]:
        """Make OPKs with ids above all earlier ones and `above`; return their public halves."""
        first = max(self.next_one_time_pre_key_id, above + 1)
        made = {first + offset: secrets.token_bytes(32) for offset in range(count)}
        self.one_time_pre_keys |= made
        self.next_one_time_pre_key_id = first + count
        return [
            {"key_id": key_id, "public_key": encode(agreement.public_key(private_key))}
            for key_id, private_key in made.items()
        ]

    def sign(self, message: bytes) -> bytes:
        """Return the identity key's XEdDSA signature (64 bytes, the paper's sign bit of 0)."""
        private_key = xeddsa.priv_force_sign(self.identity.as_priv().priv, set_sign_bit=False)
        return xeddsa.ed25519_priv_sign(private_key, message)

    def sign_enrolment(self, onboarding_id: UUID) -> bytes:
        """Return the proof of possession of `POST onboarding/{id}/device`."""
        return self.sign(enrolment_message(onboarding_id, self.identity_key))

    def sign_challenge(
        self,
        base_url: str,
        challenge: bytes,
        device_id: UUID,
        organisation_id: UUID,
    ) -> bytes:
        """Return the signature of `POST auth/token`."""
        return self.sign(device_auth_message(base_url, challenge, device_id, organisation_id))

    def endorse(self, organisation_id: UUID, device_id: UUID, identity_key: bytes) -> bytes:
        """Vouch, as the approved device `device_id`, for the identity key of a linked device."""
        return self.sign(endorsement_message(organisation_id, device_id, identity_key))

    def enrolment_body(
        self,
        onboarding_id: UUID,
        *,
        name: str,
        platform: str,
        one_time_pre_keys: int = 100,
    ) -> JsonObject:
        """Return the body of `POST onboarding/{id}/device`, with that many new OPKs."""
        return {
            "name": name,
            "platform": platform,
            "registration_id": self.registration_id,
            "identity_key": encode(self.identity_key),
            "signed_pre_key": self.signed_pre_key.to_public_json(),
            "one_time_pre_keys": self.make_one_time_pre_keys(one_time_pre_keys),
            "proof": encode(self.sign_enrolment(onboarding_id)),
        }

    def digest(self, signed_pre_key_id: int | None, one_time_pre_key_ids: Iterable[int]) -> bytes:
        """Return the bundle digest over these keys as the device knows them.

        Raises KeyError when it doesn't hold one of them: then device and server disagree.
        """
        signed = None if signed_pre_key_id is None else self.signed_pre_keys[signed_pre_key_id]
        return bundle_digest(
            self.identity_key,
            None if signed is None else (signed.key_id, signed.public_key),
            b"".join(
                numbered(key_id, agreement.public_key(self.one_time_pre_keys[key_id]))
                for key_id in sorted(one_time_pre_key_ids)
            ),
        )

    def initiate(self, bundle: Mapping[str, Any]) -> tuple[bytes, InitialHeader]:
        """Agree on a secret with the device whose claimed bundle this is; raises AgreementError."""
        return agreement.initiate(self.identity, self.registration_id, bundle)

    def respond(self, header: InitialHeader) -> bytes:
        """Return the secret that the header's sender has; the OPK it used is gone after that.

        Raises AgreementError for an SPK past its time or an OPK used before, which stops replays.
        """
        secret = self.secret_of(header)
        self.use_up(header)
        return secret

    def secret_of(self, header: InitialHeader) -> bytes:
        """The same while it is not sure yet that the header is good: the OPK stays."""
        signed = self.signed_pre_keys.get(header.signed_pre_key_id)
        if signed is None:
            raise AgreementError(
                f"signed pre-key {header.signed_pre_key_id} is not here, or no longer"
            )
        one_time = None
        if header.one_time_pre_key_id is not None:
            one_time = self.one_time_pre_keys.get(header.one_time_pre_key_id)
            if one_time is None:
                raise AgreementError(
                    f"one-time pre-key {header.one_time_pre_key_id} is not here: used before?"
                )
        return agreement.respond(self.identity, header, signed.private_key, one_time)

    def use_up(self, header: InitialHeader) -> None:
        """Forget the OPK that a header named: from now on nobody can derive its secret again."""
        if header.one_time_pre_key_id is not None:
            del self.one_time_pre_keys[header.one_time_pre_key_id]

    def to_json(self) -> JsonObject:
        """Return everything, private keys included: for the device's own state file only."""
        return {
            "version": _STATE_VERSION,
            "registration_id": self.registration_id,
            "identity_seed": encode(self.identity.secret),
            "signed_pre_keys": [
                {
                    "key_id": signed.key_id,
                    "private_key": encode(signed.private_key),
                    "signature": encode(signed.signature),
                    "created_at": signed.created_at,
                    "superseded_at": signed.superseded_at,
                }
                for signed in self.signed_pre_keys.values()
            ],
            "one_time_pre_keys": {
                str(key_id): encode(private_key)
                for key_id, private_key in self.one_time_pre_keys.items()
            },
            "next_one_time_pre_key_id": self.next_one_time_pre_key_id,
            "peers": {str(device_id): peer.to_json() for device_id, peer in self.peers.items()},
            "history": [asdict(entry) for entry in self.history],
            "log": self.log and self.log.to_json(),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; raises KeyError, TypeError or ValueError on anything else."""
        if state["version"] != _STATE_VERSION:
            raise ValueError(
                f"device state of version {state['version']}, expected {_STATE_VERSION}"
            )
        return cls(
            registration_id=state["registration_id"],
            identity=IdentityKeyPairSeed(decode(state["identity_seed"])),
            signed_pre_keys={
                signed["key_id"]: SignedPreKey(
                    key_id=signed["key_id"],
                    private_key=decode(signed["private_key"]),
                    signature=decode(signed["signature"]),
                    created_at=signed["created_at"],
                    superseded_at=signed["superseded_at"],
                )
                for signed in state["signed_pre_keys"]
            },
            one_time_pre_keys={
                int(key_id): decode(private_key)
                for key_id, private_key in state["one_time_pre_keys"].items()
            },
            next_one_time_pre_key_id=state["next_one_time_pre_key_id"],
            # A device that never talked may have a file from before devices could.
            peers={
                UUID(device_id): Peer.from_json(peer)
                for device_id, peer in state.get("peers", {}).items()
            },
            history=[Entry(**entry) for entry in state.get("history", [])],
            log=SeenLog.from_json(state["log"]) if state.get("log") else None,
        )
