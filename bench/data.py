"""Organisations, people and devices with keys, made through the application's own services."""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from uuid import UUID, uuid4

from django.conf import settings

from keys.models import Comparison, Platform
from keys.selectors.credentials import token_hash
from keys.services import tokens
from keys.services.bundles import publish
from keys.services.enrolment import Enrolment, approve_device, enrol_device
from keys.uploads import BATCH_MAX, OneTimePreKeyUpload, SignedPreKeyUpload
from orgs.models import MembershipStatus
from orgs.services.accounts import create_account
from orgs.services.memberships import admit_member
from orgs.services.organisations import create_organisation
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.api import DeviceClient
from semafore.local.client.keys import DeviceKeys

_phones = count(7_700_000_000)


@dataclass(slots=True)
class BenchDevice:
    """An approved device of a person of its own."""

    id: UUID
    organisation_id: UUID
    membership_id: UUID
    account_id: UUID
    keys: DeviceKeys
    token: str = ""
    next_key_id: int = 1

    @property
    def token_hash(self) -> bytes:
        """What the server knows the token by."""
        return token_hash(self.token)


def organisation() -> UUID:
    """A new organisation's id."""
    with acting_as(SYSTEM):
        return create_organisation(name="Bench", slug=f"bench-{secrets.token_hex(4)}").id


def devices(organisation_id: UUID, number: int, *, one_time_pre_keys: int) -> list[BenchDevice]:
    """So many approved devices, each of its own account, each with so many one-time pre-keys."""
    made = []
    with acting_as(SYSTEM), organisation_scope(organisation_id):
        for index in range(number):
            account = create_account(phone=f"+44{next(_phones)}")
            person = admit_member(
                account=account, name=f"Person {index}", status=MembershipStatus.ACTIVE
            )
            device = _enrol(person.id, account.id)
            add_keys(device, one_time_pre_keys)
            made.append(device)
    return made


def _enrol(membership_id: UUID, account_id: UUID) -> BenchDevice:
    keys, onboarding_id = DeviceKeys.generate(), uuid4()
    signed = keys.signed_pre_key
    device = enrol_device(
        membership_id=membership_id,
        onboarding_id=onboarding_id,
        enrolment=Enrolment(
            name="Phone",
            platform=Platform.IOS,
            registration_id=keys.registration_id,
            identity_key=keys.identity_key,
            signed_pre_key=SignedPreKeyUpload(signed.key_id, signed.public_key, signed.signature),
            one_time_pre_keys=[],
            proof=keys.sign_enrolment(onboarding_id),
        ),
    )
    approve_device(device_id=device.id, compared=Comparison.NOT_COMPARED)
    return BenchDevice(device.id, device.organisation_id, membership_id, account_id, keys)


def public_key() -> bytes:
    """Random bytes below 2^255: as good a public key as any to a server, and free."""
    key = bytearray(secrets.token_bytes(32))
    key[31] &= 0x7E
    return bytes(key)


def next_keys(device: BenchDevice, number: int) -> list[OneTimePreKeyUpload]:
    """The device's next one-time pre-keys."""
    first = device.next_key_id
    device.next_key_id += number
    return [OneTimePreKeyUpload(first + offset, public_key()) for offset in range(number)]


def add_keys(device: BenchDevice, number: int) -> None:
    """Publishes so many more one-time pre-keys."""
    while number > 0:
        publish(
            device_id=device.id,
            identity_key=device.keys.identity_key,
            signed_pre_key=None,
            one_time_pre_keys=next_keys(device, min(number, BATCH_MAX)),
        )
        number -= BATCH_MAX


def publish_body(device: BenchDevice) -> dict[str, object]:
    """The body of `PUT key-bundles/{deviceID}` with the device's next hundred keys."""
    return {
        "identity_key": base64.b64encode(device.keys.identity_key).decode(),
        "one_time_pre_keys": [
            {"key_id": key.key_id, "public_key": base64.b64encode(key.public_key).decode()}
            for key in next_keys(device, BATCH_MAX)
        ],
    }


def sign_in(base_url: str, devices: Sequence[BenchDevice]) -> None:
    """Gets each device its token through the API."""
    for device in devices:
        with DeviceClient(
            base_url=base_url,
            device_id=device.id,
            organisation_id=device.organisation_id,
            keys=device.keys,
        ) as client:
            device.token = client.token()


def issue_tokens(devices: Sequence[BenchDevice]) -> None:
    """Gives each device its token through the services: the realtime process serves no REST."""
    with acting_as(SYSTEM):
        for device in devices:
            challenge = tokens.issue_challenge(device_id=device.id).challenge
            signature = device.keys.sign_challenge(
                settings.BASE_URL, challenge, device.id, device.organisation_id
            )
            device.token = tokens.issue_token(
                device_id=device.id, challenge=challenge, signature=signature
            ).access_token
