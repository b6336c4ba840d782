"""A device's public keys in the shapes of the server's services, for callers without HTTP."""

from collections.abc import Iterable
from uuid import UUID

from keys.models import Platform
from keys.services.enrolment import Enrolment
from keys.uploads import OneTimePreKeyUpload, SignedPreKeyUpload
from semafore.local.client.keys import DeviceKeys, SignedPreKey
from semafore.local.client.wire import JsonObject, decode


def signed_upload(key: SignedPreKey) -> SignedPreKeyUpload:
    """The public half of a signed pre-key."""
    return SignedPreKeyUpload(key.key_id, key.public_key, key.signature)


def one_time_uploads(keys: Iterable[JsonObject]) -> list[OneTimePreKeyUpload]:
    """A batch as `DeviceKeys.make_one_time_pre_keys` gives it."""
    return [OneTimePreKeyUpload(key["key_id"], decode(key["public_key"])) for key in keys]


def enrolment_of(
    keys: DeviceKeys,
    onboarding_id: UUID,
    *,
    name: str,
    platform: Platform = Platform.IOS,
    one_time_pre_keys: int = 100,
) -> Enrolment:
    """What a device with these keys sends to register."""
    return Enrolment(
        name=name,
        platform=platform,
        registration_id=keys.registration_id,
        identity_key=keys.identity_key,
        signed_pre_key=signed_upload(keys.signed_pre_key),
        one_time_pre_keys=one_time_uploads(keys.make_one_time_pre_keys(one_time_pre_keys)),
        proof=keys.sign_enrolment(onboarding_id),
    )
