"""Event types of devices and keys."""

from uuid import UUID

from audit.registry import EventClass, OcsfClass, Severity, What, event

KEYS = EventClass.DEVICE_KEYS
CLAIMS = EventClass.CLAIMS


@event("device.enrolled", KEYS, sentence="{actor} enrolled {target} for {subject}.")
class DeviceEnrolled(What):
    """A device registered with its first bundle."""

    platform: str
    identity_key: bytes
    endorsed_by: UUID | None


@event(
    "device.approved",
    KEYS,
    sentence="{actor} approved {target} of {subject}.",
    severity=Severity.MEDIUM,
)
class DeviceApproved(What):
    """The event that a bundle's `log` names: this identity key is this person's.

    The device's id stands beside its key, so that a proof binds the two with no person opened.
    """

    device_id: UUID
    identity_key: bytes
    compared: str


@event(
    "device.denied",
    KEYS,
    sentence="{actor} denied {target} of {subject}.",
    severity=Severity.MEDIUM,
)
class DeviceDenied(What):
    """A device that was not let in."""

    reason: str


@event(
    "device.revoked",
    KEYS,
    sentence="{actor} revoked {target} of {subject}.",
    severity=Severity.MEDIUM,
)
class DeviceRevoked(What):
    """A device lost its access, keys and tokens."""

    reason: str
    wipe: bool


@event(
    "device.authenticated",
    CLAIMS,
    sentence="{actor} proved its identity key.",
    ocsf_class=OcsfClass.AUTHENTICATION,
)
class DeviceAuthenticated(What):
    """A token was issued against a signed challenge."""

    expires_in: int


@event(
    "device.authentication_failed",
    CLAIMS,
    sentence="Somebody failed to prove that they are {target}.",
    severity=Severity.MEDIUM,
    ocsf_class=OcsfClass.AUTHENTICATION,
)
class DeviceAuthenticationFailed(What):
    """A token was refused."""

    reason: str


@event("key_bundle.published", KEYS, sentence="{actor} published {added} one-time pre-keys.")
class KeyBundlePublished(What):
    """New one-time pre-keys."""

    added: int
    lowest_key_id: int
    highest_key_id: int


@event("key_bundle.withdrawn", KEYS, sentence="{actor} withdrew {withdrawn} one-time pre-keys.")
class KeyBundleWithdrawn(What):
    """All unclaimed one-time pre-keys were taken back."""

    withdrawn: int


@event("signed_pre_key.rotated", KEYS, sentence="{actor} rotated its signed pre-key.")
class SignedPreKeyRotated(What):
    """A new current signed pre-key; None superseded for the first one."""

    key_id: int
    superseded_key_id: int | None


@event(
    "signed_pre_key.deleted",
    KEYS,
    sentence="{target}'s signed pre-key {key_id} was deleted past its grace.",
)
class SignedPreKeyDeleted(What):
    """A superseded signed pre-key left the database."""

    key_id: int


@event(
    "key_bundle.claimed",
    CLAIMS,
    sentence="{actor} claimed {target}'s key bundle.",
    ocsf_class=OcsfClass.API_ACTIVITY,
)
class KeyBundleClaimed(What):
    """One call, one event: each claimed device with the one-time pre-key it gave, None without."""

    claims: list[dict[str, UUID | int | None]]


@event(
    "key_bundle.claims_unusual",
    CLAIMS,
    sentence="{target}'s key bundle was claimed {claims} times today, which is unusual.",
    severity=Severity.HIGH,
    ocsf_class=OcsfClass.API_ACTIVITY,
)
class KeyBundleClaimsUnusual(What):
    """An alarm, not a refusal: one hostile member must not block a victim."""

    claims: int


@event(
    "session.refused",
    CLAIMS,
    sentence="{actor} was refused a session with {target}: its signed pre-key has expired.",
    ocsf_class=OcsfClass.API_ACTIVITY,
)
class SessionRefused(What):
    """428: the target has to rotate."""

    signed_pre_key_id: int


@event(
    "claim.limited",
    CLAIMS,
    sentence="{actor} claimed {target}'s bundle too often.",
    severity=Severity.MEDIUM,
    ocsf_class=OcsfClass.API_ACTIVITY,
)
class ClaimLimited(What):
    """429: drain protection."""

    limit: int


@event(
    "posture.deviated",
    KEYS,
    sentence="{target} of {subject} reported that it deviates in {deviations}.",
    severity=Severity.MEDIUM,
)
class PostureDeviated(What):
    """A device said that it isn't as its organisation wants it: in these, since its last report."""

    deviations: list[str]


@event(
    "posture.corrected",
    KEYS,
    sentence="{target} of {subject} reported that it deviates no more in {deviations}.",
)
class PostureCorrected(What):
    """A device said that it is as its organisation wants it again, or the wish is gone."""

    deviations: list[str]
