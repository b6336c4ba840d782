"""What can go wrong with devices and keys."""

from semafore.kernel.problems import Problem


class SignatureInvalid(Problem):
    """An XEdDSA signature by the identity key doesn't verify; `field` names it."""

    status, code, title = 422, "signature_invalid", "The signature is not valid."


class AuthenticationFailed(Problem):
    """Signature over the challenge not valid, or no such device: never told apart."""

    status, code, title = 401, "signature_invalid", "The signature is not valid."


class ChallengeInvalid(Problem):
    """Not a challenge of this server for this device, older than 60 s, or used before."""

    status, code, title = 401, "challenge_invalid", "Ask for a new challenge."


class TokenExpired(Problem):
    """The access token's hour is over."""

    status, code, title = 401, "token_expired", "The token has expired."


class PublicKeyInvalid(Problem):
    """A public key is not acceptable; `errors` names each field with the defect's code."""

    status, code, title = 422, "public_key_invalid", "A public key is not valid."


class IdentityKeyInUse(Problem):
    """An identity key belongs to one device, for ever."""

    status, code, title = 409, "identity_key_in_use", "This identity key is in use."


class IdentityKeyImmutable(Problem):
    """A device's identity key never changes."""

    status, code, title = 409, "identity_key_immutable", "A device's identity key never changes."


class OnboardingUsed(Problem):
    """An onboarding registers one device; a replay with other contents is refused."""

    status, code, title = 409, "onboarding_used", "This onboarding has registered another device."


class DeviceLimitReached(Problem):
    """The policy's number of devices a member may have."""

    status, code, title = 409, "device_limit_reached", "You have as many devices as you may have."


class EndorsementInvalid(Problem):
    """The endorsement is not by an approved device of the same person, or doesn't verify."""

    status, code, title = 422, "endorsement_invalid", "The endorsement is not valid."


class DeviceTransition(Problem):
    """The device's status doesn't allow this (any more)."""

    status, code, title = 409, "device_status", "The device's status doesn't allow this."


class KeyIdConflict(Problem):
    """Key ids only grow; `key_ids` lists those at or below the highest seen, or taken."""

    status, code, title = 409, "key_id_conflict", "Some key ids were used before."


class KeyReused(Problem):
    """A public key of this device that was used before, under whatever id."""

    status, code, title = 409, "key_reused", "This public key was used before."


class TooManyKeys(Problem):
    """A batch over 100, or more than 1000 held."""

    status, code, title = 413, "too_many_keys", "Too many one-time pre-keys."


class RotationLimit(Problem):
    """24 rotations within 24 hours."""

    status, code, title = 429, "rotation_limit", "Too many rotations. Try again later."


class SignedPreKeyExpired(Problem):
    """The target must rotate first; nothing was consumed (seed, Failure Mode)."""

    status, code, title = 428, "spk_expired", "The device's signed pre-key has expired."


class ClaimLimit(Problem):
    """Too many claims of this device by this person within 24 hours."""

    status, code, title = 429, "claim_limit", "Too many claims of this device. Try again later."


class OwnDevice(Problem):
    """A device has no use for its own bundle."""

    status, code, title = 422, "own_device", "A device can't claim its own bundle."


class NoCheckpoint(Problem):
    """The organisation's log has none yet: a new one's comes within a minute."""

    status, code, title = 404, "no_checkpoint", "The log has no checkpoint yet."


class CheckpointInvalid(Problem):
    """Not a checkpoint of this organisation's log, signed by one of its keys."""

    status, code, title = 422, "checkpoint_invalid", "This is no checkpoint of this log."


class AwaitingApproval(Problem):
    """The device is enrolled and not yet approved."""

    status, code, title = (
        403,
        "awaiting_approval",
        "An administrator has to approve this device first.",
    )


class MembershipSuspended(Problem):
    """The person's membership is suspended."""

    status, code, title = 403, "membership_suspended", "Your membership is suspended."


class MembershipEnded(Problem):
    """The person's membership has ended."""

    status, code, title = 403, "membership_ended", "Your membership has ended."


class AccessRevoked(Problem):
    """The device was denied or revoked; `wipe` says whether to delete its content."""

    status, code, title = 403, "access_revoked", "This device's access was revoked."
