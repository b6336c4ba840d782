"""What the keys' app holds on a person (`held_on_person`): of keys, numbers and dates."""

from collections.abc import Iterator

from django.db.models import Q

from keys.models import (
    Claim,
    Device,
    DeviceToken,
    KeyBundle,
    OneTimePreKey,
    Posture,
    SignedPreKey,
)
from semafore.kernel.hooks import HeldOnPerson, Holding

Row = tuple[object, ...]

NO_KEYS = (
    "Keys are not listed, the public ones neither: a number and dates stand for each. Private keys "
    "never leave the device."
)


def on_held_on_person(held: HeldOnPerson) -> None:
    """Devices, what is kept of their keys, who claimed them."""
    own = Device.objects.filter(membership_id__in=held.membership_ids)
    held.also.update(own.values_list("id", flat=True))
    held.holdings.extend(
        [
            Holding(
                title="Devices",
                name="devices",
                columns=(
                    *("Device", "Name", "Platform", "Registration number", "Status", "Enrolled"),
                    *("Endorsed by", "Decided", "Decided by", "Fingerprint compared"),
                    *("Reason of the denial", "Revoked", "Reason", "Wiped", "Last seen"),
                ),
                rows=_devices(held),
                note=NO_KEYS,
            ),
            Holding(
                title="Devices of others that the person decided about",
                name="devices_decided",
                columns=("Device", "Of whom", "Status", "Decided", "Fingerprint compared"),
                rows=_decided(held),
            ),
            Holding(
                title="Key bundles",
                name="key_bundles",
                columns=(
                    *("Device", "One-time pre-keys left", "Highest number", "Claims on the day"),
                    "Day",
                ),
                rows=_bundles(held),
                note=NO_KEYS,
            ),
            Holding(
                title="Signed pre-keys",
                name="signed_pre_keys",
                columns=("Device", "Number", "Uploaded", "Superseded", "Key deleted"),
                rows=_signed_pre_keys(held),
                note=NO_KEYS,
            ),
            Holding(
                title="One-time pre-keys",
                name="one_time_pre_keys",
                columns=("Device", "Number", "Claimed"),
                rows=_one_time_pre_keys(held),
                note=NO_KEYS,
            ),
            Holding(
                title="What devices said of themselves",
                name="postures",
                columns=(
                    *("Device", "Reported", "App", "System", "Passcode", "Encrypted", "Managed"),
                    *("Settings applied", "Backups", "Screenshots", "Clipboard", "Lock, minutes"),
                    *("Wipes", "Deviations in the log"),
                ),
                rows=_postures(held),
            ),
            Holding(
                title="Access tokens of devices",
                name="device_tokens",
                columns=("Device", "Issued", "Expires"),
                rows=_tokens(held),
                note="The tokens themselves are not kept.",
            ),
            Holding(
                title="Claims of key bundles within the last day",
                name="claims",
                columns=("At", "By", "Of", "One-time pre-key"),
                rows=_claims(held),
            ),
        ]
    )


def _devices(held: HeldOnPerson) -> Iterator[Row]:
    own = Device.objects.filter(membership_id__in=held.membership_ids)
    for one in own.order_by("enrolled_at", "id").iterator():
        yield (
            *(one.id, one.name, one.platform, one.registration_id, one.status, one.enrolled_at),
            *(held.masked(one.endorser_id, "device"), one.decided_at),
            *(held.masked(one.decided_by_id), one.compared, one.denial_reason),
            *(one.revoked_at, one.revocation_reason, one.wipe, one.last_seen_on),
        )


def _decided(held: HeldOnPerson) -> Iterator[Row]:
    ids = held.membership_ids
    found = Device.objects.filter(decided_by_id__in=ids).exclude(membership_id__in=ids)
    for one in found.order_by("decided_at", "id").iterator():
        device, of = held.masked(one.id, "device"), held.masked(one.membership_id)
        yield device, of, one.status, one.decided_at, one.compared


def _bundles(held: HeldOnPerson) -> Iterator[Row]:
    found = KeyBundle.objects.filter(device__membership_id__in=held.membership_ids)
    for one in found.order_by("device_id"):
        yield one.device_id, one.available, one.highest_key_id, one.claims, one.claims_on


def _signed_pre_keys(held: HeldOnPerson) -> Iterator[Row]:
    found = SignedPreKey.objects.filter(device__membership_id__in=held.membership_ids)
    for one in found.order_by("device_id", "key_id").iterator():
        gone = one.public_key is None
        yield one.device_id, one.key_id, one.uploaded_at, one.superseded_at, gone


def _one_time_pre_keys(held: HeldOnPerson) -> Iterator[Row]:
    found = OneTimePreKey.objects.filter(device__membership_id__in=held.membership_ids)
    yield from (
        found.order_by("device_id", "key_id")
        .values_list("device_id", "key_id", "claimed_at")
        .iterator()
    )


def _postures(held: HeldOnPerson) -> Iterator[Row]:
    found = Posture.objects.filter(device__membership_id__in=held.membership_ids)
    for one in found.order_by("device_id").iterator():
        yield (
            *(one.device_id, one.reported_on, ".".join(map(str, one.app_version)), one.os_version),
            *(one.passcode_set, one.encrypted, one.managed, one.config_version),
            *(one.backup_allowed, one.screenshots_allowed, one.clipboard_allowed),
            *(one.lock_after_minutes, one.wipe_on_revocation, list(one.recorded)),
        )


def _tokens(held: HeldOnPerson) -> Iterator[Row]:
    found = DeviceToken.objects.filter(device__membership_id__in=held.membership_ids)
    yield from (
        found.order_by("issued_at").values_list("device_id", "issued_at", "expires_at").iterator()
    )


def _claims(held: HeldOnPerson) -> Iterator[Row]:
    ids = held.membership_ids
    found = Claim.objects.filter(
        Q(claimant_device__membership_id__in=ids) | Q(target__membership_id__in=ids)
    )
    for one in found.order_by("at", "id").iterator():
        by, of = held.masked(one.claimant_device_id, "device"), held.masked(one.target_id, "device")
        yield one.at, by, of, one.key_id
