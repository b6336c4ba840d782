"""Plants known secrets in the whole life of two devices, then looks for them everywhere.

What never happens (product.md, section 9): a private key, code or token in the database, the logs,
the events, or an answer to anybody but its owner.
"""

import base64
import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from secrets import token_bytes
from typing import Any
from uuid import uuid4

import httpx
import pytest
import redis
from django.conf import settings as django_settings
from django.contrib.auth.hashers import make_password
from django.db import connection
from pytest_django import Settings

from audit.tasks import settle_denials, settle_platform_denials
from keys.models import Comparison, RevocationReason
from keys.services.enrolment import EndorsementUpload, approve_device, deny_device, enrol_device
from keys.services.revocation import revoke_device
from messaging.services.wakeups import wake
from orgs.models import Membership, Organisation
from orgs.services.accounts import create_account
from orgs.services.memberships import suspend_membership
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.api import ApiProblem
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.uploads import enrolment_of
from semafore.local.client.wire import decode, encode
from semafore.wsgi import application
from tests import cast
from tests.cast import Phone
from tests.messaging import talk

PASSWORD = "korrekt-pferd-batterie-klammer"
WRONG_TOKEN = "sfd_" + "Wrong0Token1" * 4
PUSH_TOKENS = ("c1:APA91b-Planted_Push.Token", "c2:APA91b-Another_Push.Token")


@dataclass
class Secrets:
    """What must never be found, each by a name that a failure may print."""

    values: dict[str, bytes] = field(default_factory=dict)

    def plant(self, name: str, value: bytes | str) -> None:
        value = value.encode() if isinstance(value, str) else value
        assert len(value) >= 16, f"{name} is too short to be told from chance"
        self.values[f"{name} {len(self.values)}"] = value

    def plant_keys(self, owner: str, keys: DeviceKeys) -> None:
        """Every private half that the device holds now."""
        self.plant(f"{owner}'s identity seed", keys.identity.secret)
        self.plant(f"{owner}'s identity private key", keys.identity.as_priv().priv)
        for signed in keys.signed_pre_keys.values():
            self.plant(f"{owner}'s signed pre-key", signed.private_key)
        for private_key in keys.one_time_pre_keys.values():
            self.plant(f"{owner}'s one-time pre-key", private_key)

    def needles(self) -> Iterator[tuple[str, bytes]]:
        for name, value in self.values.items():
            for needle in spellings(value):
                yield name, needle

    def found_in(self, hay: bytes) -> list[str]:
        return [name for name, needle in self.needles() if needle in hay]


def spellings(value: bytes) -> set[bytes]:
    """The bytes as they are, as Python prints them, in hex, in base64 at any place of a text."""
    found = {value, value.hex().encode(), value.hex().upper().encode()}
    found.add(repr(value)[2:-1].encode())
    for shift in range(3):
        for encode_ in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode_(bytes(shift) + value)
            # Without the letters that hold bits of what stands before or after.
            found.add(text[(0, 2, 3)[shift] : -4])
    return found


@dataclass
class Wire(httpx.BaseTransport):
    """The server, with every answer kept."""

    secrets: Secrets
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    _server: httpx.WSGITransport = field(
        default_factory=lambda: httpx.WSGITransport(app=application, raise_app_exceptions=False)
    )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._server.handle_request(request)
        answer.read()
        self._plant(request, answer)
        told = b"\n".join(name + b": " + value for name, value in answer.headers.raw)
        self.answers.append((f"{request.method} {request.url.path}", told + b"\n" + answer.content))
        return answer

    def _plant(self, request: httpx.Request, answer: httpx.Response) -> None:
        """What a device signs, and what it is told in confidence, is a secret from then on."""
        if request.url.path.endswith("/auth/token"):
            proof = json.loads(request.content)
            if "signature" in proof:
                self.secrets.plant("a signature for a token", decode(proof["signature"]))
        if answer.is_error:
            return
        if request.url.path.endswith("/auth/challenge"):
            self.secrets.plant("a challenge", decode(answer.json()["challenge"]))
        if request.url.path.endswith("/auth/token"):
            token = answer.json()["access_token"]
            self.secrets.plant("a token", token)
            self.secrets.plant("a token without its prefix", token.removeprefix("sfd_"))

    def leaks(self) -> list[tuple[str, str]]:
        """Secrets in answers, but for a challenge or a token told to the device it is for."""
        handed_out = {"/auth/challenge": "a challenge", "/auth/token": "a token"}
        leaks = []
        for number, (name, told) in enumerate(self.answers):
            allowed = next((kind for end, kind in handed_out.items() if name.endswith(end)), None)
            first = {
                found
                for found in self.secrets.found_in(told)
                if not (allowed and found.startswith(allowed) and self._first(found, number))
            }
            leaks += [(name, found) for found in first]
        return leaks

    def _first(self, secret: str, number: int) -> bool:
        """This answer is the first that holds it, and so the one that handed it out."""
        value = self.secrets.values[secret]
        needles = spellings(value)
        return not any(needle in told for _, told in self.answers[:number] for needle in needles)


@contextmanager
def every_log_line() -> Iterator[list[str]]:
    """What any logger says, at any level, with tracebacks."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.name} {self.format(record)} {record.__dict__}")

    handler = Keep(logging.DEBUG)
    loggers = [
        logging.getLogger(),
        *(logging.getLogger(name) for name in list(logging.root.manager.loggerDict)),
    ]
    before = [(one, one.level, one.disabled, one.propagate) for one in loggers]
    for one in loggers:
        one.setLevel(logging.DEBUG)
        one.disabled = False
        if not one.propagate:
            one.addHandler(handler)
    logging.getLogger().addHandler(handler)
    try:
        yield lines
    finally:
        for one, level, disabled, propagate in before:
            one.setLevel(level)
            one.disabled, one.propagate = disabled, propagate
            one.removeHandler(handler)


def every_value() -> Iterator[tuple[str, bytes]]:
    """Every column of every row of every table, as bytes."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            columns = [column.name for column in cursor.description or ()]
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    yield f"{table}.{column}", as_bytes(value)


def as_bytes(value: object) -> bytes:
    match value:
        case bytes() | bytearray() | memoryview():
            return bytes(value)
        case list() | tuple():
            return b" ".join(map(as_bytes, value))
        case _:
            return str(value).encode()


def everything_in_redis() -> Iterator[tuple[str, bytes]]:
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        for key in client.scan_iter():
            yield "a key of Redis", key
            with suppress(redis.ResponseError):
                yield key.decode(), client.get(key) or b""


def leaks(secrets: Secrets, places: Iterable[tuple[str, bytes]]) -> list[tuple[str, str]]:
    return sorted(
        {(place, found) for place, hay in places if hay for found in secrets.found_in(hay)}
    )


@pytest.fixture
def secrets() -> Secrets:
    return Secrets()


@pytest.fixture(autouse=True)
def unthrottled(settings: Settings, tmp_path: Path) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 1_000_000
    settings.PUSH_FILE = str(tmp_path / "push.jsonl")


def refused(answer: httpx.Response) -> None:
    assert answer.is_client_error, answer.text


def enrolled(
    person: Membership, secrets: Secrets, owner: str, wire: Wire, endorser: Phone | None = None
) -> Phone:
    """A device that enrols as pending; its proof is a credential until it is decided."""
    keys, onboarding_id = DeviceKeys.generate(), uuid4()
    enrolment = enrolment_of(keys, onboarding_id, name="Phone", one_time_pre_keys=3)
    secrets.plant(f"{owner}'s proof of possession", enrolment.proof)
    secrets.plant_keys(owner, keys)
    if endorser is not None:
        signature = endorser.keys.endorse(person.organisation_id, endorser.id, keys.identity_key)
        enrolment = type(enrolment)(
            **{name: getattr(enrolment, name) for name in enrolment.__slots__}
            | {"endorsement": EndorsementUpload(endorser.id, signature)}
        )
    with acting_as(SYSTEM), organisation_scope(person.organisation_id):
        device = enrol_device(
            membership_id=person.id, onboarding_id=onboarding_id, enrolment=enrolment
        )
    return Phone(device=device, keys=keys, transport=wire)


def live(acme: Organisation, secrets: Secrets, wire: Wire) -> None:
    """Two devices, from enrolment to revocation, with the failures on the way."""
    secrets.plant("a password", PASSWORD)
    with acting_as(SYSTEM):
        create_account(email="dan@example.org", password=PASSWORD)
    alice, bob = cast.member(acme, "Alice"), cast.member(acme, "Bob")
    phone = enrolled(alice, secrets, "Alice", wire)
    with pytest.raises(ApiProblem, match="awaiting_approval"):
        phone.api.token()
    with acting_as(SYSTEM), organisation_scope(acme.id):
        approve_device(device_id=phone.id, compared=Comparison.IN_PERSON)
    tablet = enrolled(bob, secrets, "Bob", wire)
    with acting_as(SYSTEM), organisation_scope(acme.id):
        approve_device(device_id=tablet.id, compared=Comparison.CALL)
    third = enrolled(bob, secrets, "Bob's third", wire, endorser=tablet)
    with acting_as(SYSTEM), organisation_scope(acme.id):
        deny_device(device_id=third.id, reason="not Bob's")
    with pytest.raises(ApiProblem, match="access_revoked"):
        third.api.token()

    work(phone, tablet, secrets)
    fail(phone, tablet, secrets, wire)

    with acting_as(SYSTEM), organisation_scope(acme.id):
        suspend_membership(membership_id=alice.id, reason="inquiry")
        revoke_device(device_id=tablet.id, reason=RevocationReason.LOST)
    for device in (phone, tablet):
        with pytest.raises(ApiProblem):
            device.api.me()
    with clock.moved_by(timedelta(minutes=2)):
        assert settle_denials() > 0
        settle_platform_denials()


def work(phone: Phone, tablet: Phone, secrets: Secrets) -> None:
    phone.api.me(), phone.api.config(), phone.api.devices(), phone.api.status()
    tablet.api.publish(tablet.keys.make_one_time_pre_keys(5))
    secrets.plant_keys("Bob", tablet.keys)
    shared, header = phone.keys.initiate(phone.api.claim(tablet.id, idempotency_key="first"))
    assert tablet.keys.respond(header) == shared
    secrets.plant("a shared secret", shared)
    phone.api.claim_many([tablet.id, uuid4()])
    tablet.api.rotate(tablet.keys.rotate_signed_pre_key().to_public_json())
    secrets.plant_keys("Bob", tablet.keys)
    phone.api.token(renew=True)
    tablet.api.withdraw()
    for device, token in zip((phone, tablet), PUSH_TOKENS, strict=True):
        secrets.plant("a push token", token)
        device.api._send("PUT", "push-token", {"platform": "android", "token": token})
    with acting_as(SYSTEM), organisation_scope(phone.device.organisation_id):
        wake(device_ids=[phone.id])


def fail(phone: Phone, tablet: Phone, secrets: Secrets, wire: Wire) -> None:
    """Everything that a client can get wrong with a secret in its hands."""
    base = f"{django_settings.BASE_URL}/api/mobile"
    secrets.plant("a wrong token", WRONG_TOKEN)
    token = phone.api.token()
    bearer = {"Authorization": f"Bearer {token}"}
    signed = tablet.keys.signed_pre_key
    private = encode(signed.private_key)
    with httpx.Client(transport=wire) as client:
        refused(client.get(f"{base}/me", headers={"Authorization": f"Bearer {WRONG_TOKEN}"}))
        refused(client.get(f"{base}/me", headers={"Authorization": f"Basic {WRONG_TOKEN}"}))
        refused(client.get(f"{base}/nowhere", headers=bearer))
        refused(client.patch(f"{base}/me", headers=bearer))
        with clock.moved_by(timedelta(hours=2)):
            refused(client.get(f"{base}/me", headers=bearer))
        # A client that sends a private half by mistake: refused as unknown, never repeated.
        own = f"{base}/key-bundles/{phone.id}"
        refused(client.put(own, headers=bearer, json={"private_key": private}))
        refused(
            client.put(
                f"{own}/signed-pre-key",
                headers=bearer,
                json={"key_id": 9, "public_key": private, "signature": private},
            )
        )
        refused(client.put(own, headers=bearer, json={"identity_key": private}))
        refused(client.put(own, headers=bearer, content=private.encode()))
        refused(client.post(f"{base}/auth/token", json={"access_token": token}))
        asked = client.post(f"{base}/auth/challenge", json={"device_id": str(phone.id)}).json()
        proof = {"device_id": str(phone.id), "challenge": asked["challenge"]}
        for wrong in (bytes(64), phone.keys.sign(b"something else")):
            answer = client.post(f"{base}/auth/token", json=proof | {"signature": encode(wrong)})
            refused(answer)
        right = phone.keys.sign_challenge(
            django_settings.BASE_URL,
            decode(asked["challenge"]),
            phone.id,
            phone.device.organisation_id,
        )
        proof["signature"] = encode(right)
        assert client.post(f"{base}/auth/token", json=proof).status_code == 200
        refused(client.post(f"{base}/auth/token", json=proof))
    with pytest.raises(ApiProblem, match="key_reused"):
        tablet.api.rotate(next(iter(tablet.keys.signed_pre_keys.values())).to_public_json())
    impostor = Phone(device=phone.device, keys=tablet.keys, transport=wire)
    with pytest.raises(ApiProblem, match="signature_invalid"):
        impostor.api.token()


def test_no_secret_stays_anywhere(
    acme: Organisation, secrets: Secrets, capfd: pytest.CaptureFixture[str]
) -> None:
    wire = Wire(secrets)
    connection.force_debug_cursor = True  # every statement, with its parameters, is a log line
    try:
        with every_log_line() as lines:
            live(acme, secrets, wire)
    finally:
        connection.force_debug_cursor = False
    printed = capfd.readouterr()

    kinds = {name.rpartition(" ")[0].rpartition("'s ")[2] for name in secrets.values}
    assert len(secrets.values) > 40
    assert kinds == {
        "a password",
        "a wrong token",
        "a token",
        "a token without its prefix",
        "a challenge",
        "a signature for a token",
        "a shared secret",
        "a push token",
        "identity seed",
        "identity private key",
        "signed pre-key",
        "one-time pre-key",
        "proof of possession",
    }
    assert any("SELECT" in line for line in lines)
    assert len(wire.answers) > 40

    assert leaks(secrets, every_value()) == []
    assert leaks(secrets, ((line[:60], line.encode()) for line in lines)) == []
    assert leaks(secrets, [("the output", (printed.out + printed.err).encode())]) == []
    assert leaks(secrets, everything_in_redis()) == []
    assert wire.leaks() == []


def test_nothing_of_a_ciphertext_stays_once_it_was_fetched_or_its_device_is_gone(
    acme: Organisation, secrets: Secrets
) -> None:
    alice, bob = cast.member(acme, "Alice"), cast.member(acme, "Bob")
    sender, reader, lost = cast.phone(alice), cast.phone(bob), cast.phone(bob, name="Lost")
    room = talk.group(acme, alice, bob)
    fetched, unfetched = token_bytes(64), token_bytes(64)
    secrets.plant("a fetched ciphertext", fetched)
    secrets.plant("an unfetched ciphertext", unfetched)
    body = {
        "message_id": str(uuid4()),
        "envelopes": [talk.envelope(reader, fetched), talk.envelope(lost, unfetched)],
    }
    sender.api.send_message(room.id, body)
    assert len(leaks(secrets, every_value())) == 2

    (waiting,) = reader.api.mailbox()["envelopes"]
    reader.api.acknowledge([waiting["envelope_id"]])
    lost.api.revoke(lost.id)

    assert leaks(secrets, every_value()) == []
    assert leaks(secrets, everything_in_redis()) == []


# The search itself


SECRET = bytes(range(200, 232))


@pytest.mark.parametrize(
    "hay",
    [
        SECRET,
        b"before" + SECRET + b"after",
        SECRET.hex().encode(),
        f"args=({SECRET!r}, 1)".encode(),
        b"\\x" + SECRET.hex().upper().encode(),
        base64.b64encode(SECRET),
        base64.urlsafe_b64encode(SECRET).rstrip(b"="),
        base64.b64encode(b"x" + SECRET + b"yz"),
        base64.b64encode(b"xy" + SECRET),
        base64.urlsafe_b64encode(b"xyz" + SECRET + b"abc"),
        b'{"key": "' + base64.b64encode(SECRET) + b'"}',
    ],
)
def test_the_search_finds_a_secret_in_any_spelling(secrets: Secrets, hay: bytes) -> None:
    secrets.plant("it", SECRET)

    assert set(secrets.found_in(hay)) == {"it 0"}


def test_the_search_finds_nothing_where_nothing_is(secrets: Secrets) -> None:
    secrets.plant("it", SECRET)

    assert secrets.found_in(bytes(10_000) + bytes(range(232)[::-1])) == []


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("orgs_account", "password"),
        ("keys_device", "name"),
        ("keys_device", "endorsement_signature"),
        ("audit_denial", "data"),
        ("keys_claim", "idempotency_key"),
    ],
)
def test_the_search_reads_every_kind_of_column(
    db: None, secrets: Secrets, table: str, column: str
) -> None:
    secrets.plant("it", SECRET)
    text: Any = encode(SECRET)
    others = {"data": f'{{"a": ["{text}"]}}', "endorsement_signature": SECRET}
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE planted AS SELECT * FROM {table} WITH NO DATA")
        cursor.execute(f"INSERT INTO planted ({column}) VALUES (%s)", [others.get(column, text)])

    assert leaks(secrets, every_value()) == [(f"planted.{column}", "it 0")]


def test_the_search_hears_every_logger(secrets: Secrets) -> None:
    secrets.plant("it", SECRET)
    quiet = logging.getLogger("semafore.kernel.http.handler")
    with every_log_line() as lines:
        logging.getLogger("django.db.backends").debug("%s", encode(SECRET))
        quiet.debug("an extra", extra={"token": SECRET.hex()})
        quiet.error("a traceback", exc_info=ValueError(encode(SECRET)))

    found = leaks(secrets, ((str(n), line.encode()) for n, line in enumerate(lines)))
    assert found == [("0", "it 0"), ("1", "it 0"), ("2", "it 0")]


def test_the_search_sees_a_token_told_to_another(secrets: Secrets) -> None:
    wire = Wire(secrets)
    secrets.plant("a token", "sfd_" + "x" * 43)
    told = b'{"access_token": "sfd_' + b"x" * 43 + b'"}'
    wire.answers = [("POST /api/mobile/auth/token", told), ("GET /api/mobile/me", told)]

    assert wire.leaks() == [("GET /api/mobile/me", "a token 0")]


def test_a_password_is_not_found_in_its_hash(secrets: Secrets) -> None:
    secrets.plant("a password", PASSWORD)

    assert secrets.found_in(make_password(PASSWORD).encode()) == []
