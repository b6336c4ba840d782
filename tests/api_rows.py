"""What the device API answers to whom: a row for each method of each route."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID, uuid4

from audit.models import Event
from audit.services.receipts import announce_receipt_key
from messaging.models import Broadcast, Message
from orgs.models import MembershipKind
from semafore.kernel import clock
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.wire import JsonObject, encode
from tests.cast import Phone, inside
from tests.messaging import talk


@dataclass(frozen=True)
class Ids:
    """What a request is about, by the names that routes have for it. By default nobody's.

    Somebody's own are: their device, an external room that they administer (a guest is only in
    it), the membership of somebody else who is there, a message of theirs in it, and a broadcast.
    """

    device_id: UUID = field(default_factory=uuid4)
    membership_id: UUID = field(default_factory=uuid4)
    room_id: UUID = field(default_factory=uuid4)
    message_id: UUID = field(default_factory=uuid4)
    broadcast_id: UUID = field(default_factory=uuid4)
    onboarding_id: UUID = field(default_factory=uuid4)
    event_id: UUID = field(default_factory=uuid4)
    export_id: UUID = field(default_factory=uuid4)


def ids_of(phone: Phone, peer: Phone) -> Ids:
    """What the phone's person has of everything that routes are about."""
    person, other = phone.device.membership, peer.device.membership
    of = person.organisation
    guest = person.kind == MembershipKind.GUEST
    room = talk.external(of, *((other, person) if guest else (person, other)))
    with inside(of):
        announce_receipt_key()
        broadcast = Broadcast.objects.create(
            organisation_id=of.id, sender=person, sender_device=phone.device
        )
        message = Message.objects.create(
            id=uuid4(),
            organisation_id=of.id,
            message_id=uuid4(),
            room=room,
            sender=person,
            sender_device=phone.device,
            accepted_at=clock.now(),
            envelopes=0,
            size=0,
            event_id=uuid4(),
        )
        event = Event.objects.order_by("id")[0]
    return Ids(phone.id, other.id, room.id, message.message_id, broadcast.id, event_id=event.id)


@dataclass
class Asker:
    """Somebody, with the headers that they send."""

    keys: DeviceKeys
    headers: dict[str, str]
    own: Ids
    peer: Phone
    """The only other device in the own room."""
    late: timedelta = timedelta(0)


EVERYBODY = frozenset(
    {"owner", "admin", "helpdesk", "auditor", "member", "guest", "another organisation"}
)
"""Whom the device API lets in; who asks from another organisation owns it."""


@dataclass(frozen=True)
class Row:
    """Statuses of one method of one route.

    `own` is for the asker's own ids; `other` for those of a member in Acme, which a guest and
    another organisation may not reach. Routes without an id have `own` alone. Who isn't among
    `roles` gets 403, whatever the id.
    """

    shut_out: int
    own: int
    other: int | None = None
    guest_other: int | None = None
    outsider_other: int | None = None
    body: Callable[["Asker", Ids], JsonObject] | None = None
    guest_own: int | None = None
    roles: Collection[str] = EVERYBODY

    def own_of(self, who: str) -> int:
        """What somebody who is let in gets for their own ids."""
        if who not in self.roles:
            return 403
        return self.guest_own if who == "guest" and self.guest_own else self.own

    def other_of(self, who: str) -> int | None:
        """What they get for those of a member in Acme."""
        if self.other is not None and who not in self.roles:
            return 403
        exceptions = {"guest": self.guest_other, "another organisation": self.outsider_other}
        return exceptions.get(who, self.other)


def challenge(_asker: "Asker", ids: Ids) -> JsonObject:
    return {"device_id": str(ids.device_id)}


def false_proof(_asker: "Asker", ids: Ids) -> JsonObject:
    return {"device_id": str(ids.device_id), "challenge": encode(bytes(32)), "signature": ""}


def bundle(asker: "Asker", _ids: Ids) -> JsonObject:
    return {
        "identity_key": encode(asker.keys.identity_key),
        "one_time_pre_keys": asker.keys.make_one_time_pre_keys(1, above=1000),
    }


def rotation(asker: "Asker", _ids: Ids) -> JsonObject:
    return (
        DeviceKeys(asker.keys.registration_id, asker.keys.identity)
        .rotate_signed_pre_key(above=100)
        .to_public_json()
    )


def claim_of_the_stranger(_asker: "Asker", ids: Ids) -> JsonObject:
    return {"device_ids": [str(ids.device_id)]}


def no_invitation(_asker: "Asker", _ids: Ids) -> JsonObject:
    return {"invitation_token": "x" * 43}


def a_code(_asker: "Asker", _ids: Ids) -> JsonObject:
    return {"code": "123456"}


def comparison(_asker: "Asker", _ids: Ids) -> JsonObject:
    return {"compared": "in_person"}


def new_number(_asker: "Asker", _ids: Ids) -> JsonObject:
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
    ("metrics", "GET"): Row(shut_out=404, own=404),
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


def direct_room(_asker: "Asker", ids: Ids) -> JsonObject:
    return {"kind": "direct", "members": [str(ids.membership_id)]}


def new_name(_asker: "Asker", _ids: Ids) -> JsonObject:
    return {"name": "Another name"}


def addition(_asker: "Asker", ids: Ids) -> JsonObject:
    return {"members": [str(ids.membership_id)]}


def extension(_asker: "Asker", _ids: Ids) -> JsonObject:
    later = (clock.now() + timedelta(days=20)).isoformat()
    return {"closes_at": later, "reason": "There is more to do."}


def further_guest(_asker: "Asker", _ids: Ids) -> JsonObject:
    guest = {"name": "Gil", "phone": "+447700901199"}
    return {"guests": [guest], "reason": "He knows the boiler."}


def message(asker: "Asker", _ids: Ids) -> JsonObject:
    return talk.message([asker.peer])


def no_envelopes(_asker: "Asker", _ids: Ids) -> JsonObject:
    return {"envelope_ids": [str(uuid4())]}


def no_checkpoint(_asker: "Asker", _ids: Ids) -> JsonObject:
    return {"checkpoint": "nonsense"}


def posture(_asker: "Asker", _ids: Ids) -> JsonObject:
    return {
        "app_version": "1.0.0",
        "os_version": "17.4",
        "passcode_set": True,
        "encrypted": None,
        "managed": False,
        "config_version": 0,
        "in_force": {
            "backup_allowed": True,
            "screenshots_allowed": True,
            "clipboard_allowed": True,
            "lock_after_minutes": 0,
            "wipe_on_revocation": True,
        },
    }


def push_token(_asker: "Asker", _ids: Ids) -> JsonObject:
    return {"platform": "ios", "token": "ab" * 32}


def screenshot(_asker: "Asker", ids: Ids) -> JsonObject:
    taken_at = clock.now().isoformat()
    return {"room_id": str(ids.room_id), "taken_at": taken_at, "platform": "ios"}


ROOM = "api/mobile/rooms/<uuid:room_id>"
BROADCAST = "api/mobile/broadcasts/<uuid:broadcast_id>"
OF_ROOM = Row(shut_out=401, own=200, other=404, guest_other=404, outsider_other=404)
BY_ADMINISTRATOR = replace(OF_ROOM, guest_own=403)
MANAGERS = ("owner", "admin", "another organisation")
OF_MANAGERS = Row(shut_out=401, own=405, roles=MANAGERS)
OF_BROADCAST = replace(OF_ROOM, roles=MANAGERS)
OPTIONS_OF_BROADCAST = replace(OPTIONS_OF_ID, roles=MANAGERS)

TABLE |= {
    ("api/mobile/members", "GET"): Row(401, 200),
    ("api/mobile/members", "OPTIONS"): OPTIONS,
    ("api/mobile/changes", "GET"): Row(401, 200),
    ("api/mobile/changes", "OPTIONS"): OPTIONS,
    ("api/mobile/rooms", "GET"): Row(401, 200),
    ("api/mobile/rooms", "POST"): Row(401, 201, 201, 403, 404, direct_room, guest_own=403),
    ("api/mobile/rooms", "OPTIONS"): OPTIONS,
    (ROOM, "GET"): OF_ROOM,
    (ROOM, "PATCH"): replace(BY_ADMINISTRATOR, body=new_name),
    (ROOM, "OPTIONS"): OPTIONS_OF_ID,
    (f"{ROOM}/members", "POST"): replace(BY_ADMINISTRATOR, body=addition),
    (f"{ROOM}/members", "OPTIONS"): OPTIONS_OF_ID,
    (f"{ROOM}/members/<uuid:membership_id>", "DELETE"): replace(BY_ADMINISTRATOR, own=204),
    (f"{ROOM}/members/<uuid:membership_id>", "OPTIONS"): OPTIONS_OF_ID,
    (f"{ROOM}/leave", "POST"): replace(OF_ROOM, own=204),
    (f"{ROOM}/leave", "OPTIONS"): OPTIONS_OF_ID,
    (f"{ROOM}/extension", "POST"): replace(BY_ADMINISTRATOR, own=201, body=extension),
    (f"{ROOM}/extension", "OPTIONS"): OPTIONS_OF_ID,
    (f"{ROOM}/guests", "POST"): replace(BY_ADMINISTRATOR, own=201, body=further_guest),
    (f"{ROOM}/guests", "OPTIONS"): OPTIONS_OF_ID,
    (f"{ROOM}/messages", "POST"): replace(OF_ROOM, own=201, body=message),
    (f"{ROOM}/messages", "OPTIONS"): OPTIONS_OF_ID,
    ("api/mobile/messages/<uuid:message_id>", "GET"): OF_ROOM,
    ("api/mobile/messages/<uuid:message_id>", "OPTIONS"): OPTIONS_OF_ID,
    ("api/mobile/messages/<uuid:message_id>/proof", "GET"): replace(OF_ROOM, own=404),
    ("api/mobile/messages/<uuid:message_id>/proof", "OPTIONS"): OPTIONS_OF_ID,
    ("api/mobile/log/checkpoint", "GET"): Row(401, 404),
    ("api/mobile/log/checkpoint", "OPTIONS"): OPTIONS,
    ("api/mobile/log/consistency", "GET"): Row(401, 422),
    ("api/mobile/log/consistency", "OPTIONS"): OPTIONS,
    ("api/mobile/log/seen", "POST"): Row(401, 422, body=no_checkpoint),
    ("api/mobile/log/seen", "OPTIONS"): OPTIONS,
    ("api/mobile/devices/<uuid:device_id>/enrolment-proof", "GET"): Row(401, 202, 202, 404, 404),
    ("api/mobile/devices/<uuid:device_id>/enrolment-proof", "OPTIONS"): OPTIONS_OF_ID,
    ("api/mobile/mailbox", "GET"): Row(401, 200),
    ("api/mobile/mailbox", "OPTIONS"): OPTIONS,
    ("api/mobile/mailbox/ack", "POST"): Row(401, 200, body=no_envelopes),
    ("api/mobile/mailbox/ack", "OPTIONS"): OPTIONS,
    ("api/mobile/broadcasts", "POST"): replace(OF_MANAGERS, own=201),
    ("api/mobile/broadcasts", "OPTIONS"): OF_MANAGERS,
    (f"{BROADCAST}/envelopes", "POST"): replace(OF_BROADCAST, own=201, body=message),
    (f"{BROADCAST}/envelopes", "OPTIONS"): OPTIONS_OF_BROADCAST,
    (f"{BROADCAST}/finish", "POST"): OF_BROADCAST,
    (f"{BROADCAST}/finish", "OPTIONS"): OPTIONS_OF_BROADCAST,
    ("api/mobile/screenshot-reports", "POST"): replace(OF_ROOM, own=201, body=screenshot),
    ("api/mobile/screenshot-reports", "OPTIONS"): OPTIONS,
    ("api/mobile/push-token", "PUT"): Row(401, 204, body=push_token),
    ("api/mobile/push-token", "DELETE"): Row(401, 204),
    ("api/mobile/push-token", "OPTIONS"): OPTIONS,
    ("api/mobile/managed-config", "GET"): Row(401, 200),
    ("api/mobile/managed-config", "OPTIONS"): OPTIONS,
    ("api/mobile/posture", "PUT"): Row(401, 200, body=posture),
    ("api/mobile/posture", "OPTIONS"): OPTIONS,
}

# Programs ask with service tokens (tests/audit/test_tile_api.py); a device's opens nothing here.
FOR_PROGRAMS = Row(shut_out=401, own=401)

TABLE |= {
    (f"api/audit/{path}", method): FOR_PROGRAMS
    for path in (
        "log/checkpoint",
        "log/keys",
        "log/tile/<str:level>/<path:place>",
        "log/tile/entries/<path:place>",
        "events",
        "events/<uuid:event_id>",
        "events/<uuid:event_id>/proof",
        "reports/communication-graph",
        "reports/timing",
        "reports/membership",
    )
    for method in ("GET", "OPTIONS")
} | {
    (f"api/audit/{path}", method): FOR_PROGRAMS
    for path, own in (
        ("existence-proofs", "POST"),
        ("exports", "POST"),
        ("exports/<uuid:export_id>", "GET"),
        ("exports/<uuid:export_id>/file", "GET"),
    )
    for method in (own, "OPTIONS")
}
