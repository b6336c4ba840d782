"""Challenge and token: a device proves its identity key and gets an hour."""

import hmac
import secrets
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.db import transaction

from audit.services.denials import Denial
from audit.services.recording import record
from keys import events
from keys.curve import verify_xeddsa
from keys.errors import (
    AccessRevoked,
    AuthenticationFailed,
    AwaitingApproval,
    ChallengeInvalid,
    MembershipEnded,
    MembershipSuspended,
)
from keys.messages import device_auth_message
from keys.models import Device, DeviceStatus, DeviceToken, RevocationReason, SpentChallenge
from keys.selectors.credentials import credential_of, token_hash
from keys.services.bundles import device_ref
from orgs.models import MembershipStatus
from orgs.selectors.settings import managed_config
from semafore.kernel import clock
from semafore.kernel.actor import acting_as, current_actor
from semafore.kernel.app_version import version_of, version_of_agent
from semafore.kernel.problems import ClientTooOld, Problem
from semafore.kernel.tenancy import locate, organisation_scope

CHALLENGE_SECONDS = 60
TOKEN_LIFETIME = timedelta(hours=1)
TOKEN_PREFIX = "sfd_"  # noqa: S105 - lets a scanner find a leaked token, is none itself

_HEADER = struct.Struct(">I12s")
_MAC_LENGTH = 16

# An identity key that nobody holds: an unknown device costs the same verification as a known one.
NOBODY = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")


@dataclass(frozen=True, slots=True)
class Challenge:
    """32 bytes to be signed until `expires_at`."""

    challenge: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An access token, in clear this once."""

    access_token: str
    expires_in: int


def issue_challenge(*, device_id: UUID) -> Challenge:
    """A challenge for whatever device id: the answer is the same for one that doesn't exist.

    Four bytes of expiry, twelve random, and a MAC that binds both to the device id: asking for one
    writes nothing, so a flood of questions fills no table.
    """
    expires = int(clock.now().timestamp()) + CHALLENGE_SECONDS
    header = _HEADER.pack(expires, secrets.token_bytes(12))
    return Challenge(
        challenge=header + _mac(header, device_id),
        expires_at=datetime.fromtimestamp(expires, tz=UTC),
    )


def _mac(header: bytes, device_id: UUID) -> bytes:
    message = b"semafore/challenge/v1\0" + header + device_id.bytes
    return hmac.digest(settings.SECRET_KEY.encode(), message, "sha256")[:_MAC_LENGTH]


def issue_token(*, device_id: UUID, challenge: bytes, signature: bytes) -> IssuedToken:
    """Exchange a signed challenge for an access token.

    Raises ChallengeInvalid, AuthenticationFailed; and once the identity key is proved,
    AwaitingApproval, MembershipSuspended, MembershipEnded, AccessRevoked, ClientTooOld.
    """
    expires = _check_challenge(challenge, device_id)
    device = locate(Device).select_related("membership").filter(id=device_id).first()
    message = device_auth_message(
        settings.BASE_URL,
        challenge,
        device_id,
        device.organisation_id if device else UUID(int=0),
    )
    identity_key = bytes(device.identity_key) if device else NOBODY
    if not verify_xeddsa(identity_key, message, signature) or device is None:
        denied = events.DeviceAuthenticationFailed(reason="signature_invalid")
        organisation_id = device.organisation_id if device else None
        target = device_ref(device) if device else None
        raise AuthenticationFailed(denial=Denial(denied, target, organisation_id))
    _spend(challenge, expires, device)
    with organisation_scope(device.organisation_id):
        return _admit(device_id)


def _check_challenge(challenge: bytes, device_id: UUID) -> datetime:
    header, mac = challenge[: _HEADER.size], challenge[_HEADER.size :]
    if not hmac.compare_digest(mac, _mac(header, device_id)):
        denied = events.DeviceAuthenticationFailed(reason=ChallengeInvalid.code)
        raise ChallengeInvalid(denial=Denial(denied))
    expires = datetime.fromtimestamp(_HEADER.unpack(header)[0], tz=UTC)
    if expires <= clock.now():
        raise ChallengeInvalid(detail="The challenge is older than 60 seconds.")
    return expires


def _spend(challenge: bytes, expires: datetime, device: Device) -> None:
    """Raises ChallengeInvalid for one that was answered before."""
    _, first = SpentChallenge.objects.get_or_create(
        challenge_hash=sha256(challenge).digest(), defaults={"expires_at": expires}
    )
    if not first:
        # The signature is the device's own: somebody replays what they overheard.
        denied = events.DeviceAuthenticationFailed(reason="challenge_replayed")
        raise ChallengeInvalid(
            detail="The challenge was used before.",
            denial=Denial(denied, device_ref(device), device.organisation_id),
        )


@transaction.atomic
def _admit(device_id: UUID) -> IssuedToken:
    """Issue a token under the device's lock, which a revocation takes too."""
    device = (
        Device.objects.select_for_update(of=("self",), no_key=True)
        .select_related("membership")
        .get(id=device_id)
    )
    refusal = _refusal(device) or _too_old()
    if refusal is not None:
        denied = events.DeviceAuthenticationFailed(reason=refusal.code)
        refusal.denial = Denial(denied, device_ref(device), device.organisation_id)
        raise refusal
    now = clock.now()
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    DeviceToken.objects.create(
        organisation_id=device.organisation_id,
        token_hash=token_hash(token),
        device=device,
        issued_at=now,
        expires_at=now + TOKEN_LIFETIME,
    )
    if device.last_seen_on != now.date():
        device.last_seen_on = now.date()
        device.save(update_fields=["last_seen_on"])
    expires_in = int(TOKEN_LIFETIME.total_seconds())
    with acting_as(credential_of(device).actor(current_actor())):
        record(events.DeviceAuthenticated(expires_in=expires_in), target=device_ref(device))
    return IssuedToken(access_token=token, expires_in=expires_in)


def _refusal(device: Device) -> Problem | None:
    """Why a device that proved its identity key gets no token, if so (api.md, auth/token)."""
    person = device.membership.status
    departed = device.revocation_reason == RevocationReason.DEPARTURE
    if device.status == DeviceStatus.DENIED:
        return AccessRevoked(wipe=False, reason=device.denial_reason)
    if device.status == DeviceStatus.REVOKED and not departed:
        return AccessRevoked(wipe=device.wipe)
    if person == MembershipStatus.ENDED or departed or device.membership.lapsed:
        return MembershipEnded()
    if person == MembershipStatus.SUSPENDED:
        return MembershipSuspended()
    if device.status == DeviceStatus.PENDING or person == MembershipStatus.PENDING:
        return AwaitingApproval()
    return None


def _too_old() -> Problem | None:
    """The app says that it is older than its organisation wants (docs/adr/0020)."""
    version = version_of_agent(current_actor().user_agent)
    if version is None:
        return None
    least = managed_config().settings.min_app_version
    return ClientTooOld(min_app_version=least) if version < version_of(least) else None
