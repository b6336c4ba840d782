"""What the device API answers to whom: a row for each method of each route."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from orgs.models import Organisation
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.wire import JsonObject, encode


@dataclass
class Asker:
    """Somebody, with the headers that they send."""

    organisation: Organisation | None
    keys: DeviceKeys
    device_id: UUID
    headers: dict[str, str]
    late: timedelta = timedelta(0)


@dataclass(frozen=True)
class Row:
    """Statuses of one method of one route.

    `own` is for the id of the asking device; `other` for that of a member's device in Acme, which a
    guest and another organisation may not reach. Routes without an id have `own` alone.
    """

    shut_out: int
    own: int
    other: int | None = None
    guest_other: int | None = None
    outsider_other: int | None = None
    body: Callable[["Asker", UUID], JsonObject] | None = None


def challenge(_asker: "Asker", device_id: UUID) -> JsonObject:
    return {"device_id": str(device_id)}


def false_proof(_asker: "Asker", device_id: UUID) -> JsonObject:
    return {"device_id": str(device_id), "challenge": encode(bytes(32)), "signature": ""}


def bundle(asker: "Asker", _device_id: UUID) -> JsonObject:
    return {
        "identity_key": encode(asker.keys.identity_key),
        "one_time_pre_keys": asker.keys.make_one_time_pre_keys(1, above=1000),
    }


def rotation(asker: "Asker", _device_id: UUID) -> JsonObject:
    return (
        DeviceKeys(asker.keys.registration_id, asker.keys.identity)
        .rotate_signed_pre_key(above=100)
        .to_public_json()
    )


def claim_of_the_stranger(_asker: "Asker", device_id: UUID) -> JsonObject:
    return {"device_ids": [str(device_id)]}


def no_invitation(_asker: "Asker", _device_id: UUID) -> JsonObject:
    return {"invitation_token": "x" * 43}


def a_code(_asker: "Asker", _device_id: UUID) -> JsonObject:
    return {"code": "123456"}


def comparison(_asker: "Asker", _device_id: UUID) -> JsonObject:
    return {"compared": "in_person"}


def new_number(_asker: "Asker", _device_id: UUID) -> JsonObject:
    return {"phone": "+447700900998"}


OPEN = Row(shut_out=200, own=200)
NO_OPTIONS = Row(shut_out=405, own=405)
OPTIONS = Row(shut_out=401, own=405)
OPTIONS_OF_ID = Row(shut_out=401, own=405, other=405, guest_other=405, outsider_other=405)
OWN_ALONE = Row(shut_out=401, own=200, other=404, guest_other=404, outsider_other=404)

BUNDLE = "api/mobile/key-bundles/<uuid:device_id>"

TABLE: dict[tuple[str, str], Row] = {
    ("", "GET"): OPEN,
    ("healthz", "GET"): OPEN,
    ("readyz", "GET"): OPEN,
    ("api/schema/", "GET"): OPEN,
    ("api/schema/", "OPTIONS"): NO_OPTIONS,
    ("api/mobile/config", "GET"): OPEN,
    ("api/mobile/config", "OPTIONS"): NO_OPTIONS,
    ("api/mobile/auth/challenge", "POST"): Row(201, 201, 201, 201, 201, challenge),
    ("api/mobile/auth/challenge", "OPTIONS"): NO_OPTIONS,
    ("api/mobile/auth/token", "POST"): Row(401, 401, 401, 401, 401, false_proof),
    ("api/mobile/auth/token", "OPTIONS"): NO_OPTIONS,
    ("api/mobile/me", "GET"): Row(401, 200),
    ("api/mobile/me", "OPTIONS"): OPTIONS,
    ("api/mobile/devices", "GET"): Row(401, 200),
    ("api/mobile/devices", "OPTIONS"): OPTIONS,
    ("api/mobile/devices/<uuid:device_id>", "DELETE"): Row(401, 204, 404, 404, 404),
    ("api/mobile/devices/<uuid:device_id>", "OPTIONS"): OPTIONS_OF_ID,
    ("api/mobile/key-bundles/claim", "POST"): Row(401, 200, 200, 200, 200, claim_of_the_stranger),
    ("api/mobile/key-bundles/claim", "OPTIONS"): OPTIONS,
    (BUNDLE, "GET"): OWN_ALONE,
    (BUNDLE, "PUT"): replace(OWN_ALONE, body=bundle),
    (BUNDLE, "OPTIONS"): OPTIONS_OF_ID,
    (f"{BUNDLE}/signed-pre-key", "PUT"): replace(OWN_ALONE, body=rotation),
    (f"{BUNDLE}/signed-pre-key", "OPTIONS"): OPTIONS_OF_ID,
    (f"{BUNDLE}/one-time-pre-keys", "DELETE"): OWN_ALONE,
    (f"{BUNDLE}/one-time-pre-keys", "OPTIONS"): OPTIONS_OF_ID,
    (f"{BUNDLE}/claim", "POST"): Row(401, 422, 200, 404, 404),
    (f"{BUNDLE}/claim", "OPTIONS"): OPTIONS_OF_ID,
}

ONBOARDING = "api/mobile/onboarding"
ONE_ONBOARDING = f"{ONBOARDING}/<uuid:onboarding_id>"
UNKNOWN = Row(shut_out=404, own=404)
NO_SESSION = Row(shut_out=401, own=401)
"""A device's token opens no onboarding: that takes the onboarding's own."""

TABLE |= {
    (".well-known/apple-app-site-association", "GET"): UNKNOWN,
    (".well-known/assetlinks.json", "GET"): UNKNOWN,
    (ONBOARDING, "POST"): replace(UNKNOWN, body=no_invitation),
    (ONBOARDING, "OPTIONS"): NO_OPTIONS,
    (f"{ONE_ONBOARDING}/phone-code", "POST"): UNKNOWN,
    (f"{ONE_ONBOARDING}/phone-code", "OPTIONS"): NO_OPTIONS,
    (f"{ONE_ONBOARDING}/phone", "POST"): replace(UNKNOWN, body=a_code),
    (f"{ONE_ONBOARDING}/phone", "OPTIONS"): NO_OPTIONS,
    (ONE_ONBOARDING, "GET"): NO_SESSION,
    (ONE_ONBOARDING, "OPTIONS"): NO_SESSION,
    (f"{ONE_ONBOARDING}/totp", "POST"): NO_SESSION,
    (f"{ONE_ONBOARDING}/totp", "PUT"): replace(NO_SESSION, body=a_code),
    (f"{ONE_ONBOARDING}/totp", "OPTIONS"): NO_SESSION,
    (f"{ONE_ONBOARDING}/device", "POST"): NO_SESSION,
    (f"{ONE_ONBOARDING}/device", "OPTIONS"): NO_SESSION,
    ("api/mobile/devices/link-token", "POST"): Row(401, 201),
    ("api/mobile/devices/link-token", "OPTIONS"): OPTIONS,
    # The policy leaves it to administrators.
    ("api/mobile/devices/<uuid:device_id>/approve", "POST"): Row(
        401, 403, 404, 404, 404, comparison
    ),
    ("api/mobile/devices/<uuid:device_id>/approve", "OPTIONS"): OPTIONS_OF_ID,
    ("api/mobile/me/phone", "POST"): Row(401, 202, body=new_number),
    ("api/mobile/me/phone", "OPTIONS"): OPTIONS,
    ("api/mobile/me/phone/code", "POST"): Row(401, 409, body=a_code),
    ("api/mobile/me/phone/code", "OPTIONS"): OPTIONS,
}
