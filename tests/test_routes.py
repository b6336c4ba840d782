"""Every route, with every method, as everybody: who gets in, and what the others may learn.

A route or a method that the tables don't name fails the build.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction
from django.urls import URLPattern
from pytest_django import Settings

from keys.models import Device, DeviceStatus, DeviceToken
from keys.selectors.credentials import token_hash
from keys.services.enrolment import deny_device
from orgs.models import Membership, MembershipKind, MembershipStatus, Organisation, Role
from orgs.services.accounts import create_account
from orgs.services.memberships import admit_member, end_membership, suspend_membership
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.checks import walk_routes
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.wire import JsonObject, encode
from semafore.wsgi import application
from tests import cast
from tests.api_rows import BUNDLE, TABLE, Asker, Ids, Row, ids_of
from tests.cast import Phone

# Who asks. The first group has a token that should not be, or none; the second is let in.
SHUT_OUT = (
    "anonymous",
    "garbage token",
    "expired token",
    "pending device",
    "denied device",
    "revoked device",
    "suspended person",
    "ended person",
)
ROLES = ("owner", "admin", "helpdesk", "auditor", "member")
EVERYBODY = (*SHUT_OUT, *ROLES, "guest", "another organisation")


METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def methods_of(pattern: URLPattern) -> set[str]:
    """The methods that a view has; HEAD goes with GET. A function has GET."""
    view = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
    if view is None:
        return {"GET"}
    return {method for method in METHODS if hasattr(view, method.lower())}


PAGES = ("console/", "i/", "operator/")
"""Pages stand in tests/test_console_routes.py."""


def routes() -> set[tuple[str, str]]:
    return {
        (path, method)
        for path, pattern in walk_routes()
        for method in methods_of(pattern)
        if not path.startswith(PAGES)
    }


def asker(phone: Phone, ids: Ids, peer: Phone, token: str | None) -> Asker:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return Asker(phone.keys, headers, ids, peer)


@pytest.fixture
def alices(alice: Membership, alice_phone: Phone, bob_phone: Phone) -> Ids:
    """Alice's, which is nothing to everybody else in Acme; the membership is her own."""
    return replace(ids_of(alice_phone, bob_phone), membership_id=alice.id)


@pytest.fixture
def charlies(globex: Organisation, charlie: Membership, charlie_phone: Phone) -> Ids:
    """Of another organisation."""
    peer = cast.phone(cast.member(globex, "Sid"))
    return replace(ids_of(charlie_phone, peer), membership_id=charlie.id)


def planted_token(device: Device) -> str:
    """A token that the server would never issue, or should have taken back."""
    token = f"sfd_planted_{uuid4()}"
    with organisation_scope(device.organisation_id):
        DeviceToken.objects.create(
            organisation_id=device.organisation_id,
            token_hash=token_hash(token),
            device=device,
            issued_at=clock.now(),
            expires_at=clock.now() + timedelta(hours=1),
        )
    return token


def act(of: Organisation, service: Callable[..., Any], **arguments: Any) -> Any:
    with acting_as(SYSTEM), organisation_scope(of.id):
        return service(**arguments)


def guest_of(of: Organisation, sponsor: Membership) -> Membership:
    with acting_as(SYSTEM):
        account = create_account(email=f"{uuid4()}@example.org")
    guest: Membership = act(
        of,
        admit_member,
        account=account,
        name="Gus",
        kind=MembershipKind.GUEST,
        status=MembershipStatus.ACTIVE,
        sponsor=sponsor,
        ends_at=clock.now() + timedelta(days=30),
    )
    return guest


@pytest.fixture(autouse=True)
def unthrottled(settings: Settings) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 1_000_000


def make(who: str, acme: Organisation, alice: Membership, globex: Organisation) -> Asker:
    """Somebody with a device, and with the token that they have or should not have."""
    if who in SHUT_OUT:
        return shut_out(who, acme)
    if who == "guest":
        of, person = acme, guest_of(acme, alice)
    elif who == "another organisation":
        of, person = globex, cast.member(globex, "Charlie", Role.OWNER)
    else:
        of, person = acme, cast.member(acme, who, Role(who))
    phone, peer = cast.phone(person), cast.phone(cast.member(of, "Sam"))
    return asker(phone, ids_of(phone, peer), peer, phone.api.token())


def shut_out(who: str, acme: Organisation) -> Asker:
    person = cast.member(acme, who)
    phone = cast.phone(person, approved=who not in {"pending device", "denied device"})
    peer = cast.phone(cast.member(acme, "Sam"))
    ids = ids_of(phone, peer)
    match who:
        case "anonymous":
            return asker(phone, ids, peer, None)
        case "garbage token":
            return asker(phone, ids, peer, "sfd_" + "x" * 43)
        case "expired token":
            late = asker(phone, ids, peer, phone.api.token())
            late.late = timedelta(hours=1, seconds=1)
            return late
        case "denied device":
            act(acme, deny_device, device_id=phone.id, reason="unknown")
        case "revoked device":
            phone.api.revoke(phone.id)
        case "suspended person":
            act(acme, suspend_membership, membership_id=person.id, reason="inquiry")
        case "ended person":
            act(acme, end_membership, membership_id=person.id, reason="left")
            # As if the end had forgotten the device: the membership alone must shut it out.
            with organisation_scope(acme.id):
                Device.objects.filter(id=phone.id).update(status=DeviceStatus.APPROVED)
    return asker(phone, ids, peer, planted_token(phone.reload()))


def ask(who: Asker, method: str, path: str, body: JsonObject | None = None) -> httpx.Response:
    """One request, whose changes are taken back."""
    transport = httpx.WSGITransport(app=application, raise_app_exceptions=False)
    client = httpx.Client(transport=transport, base_url=django_settings.BASE_URL)
    with client, transaction.atomic(), clock.moved_by(who.late):
        answer = client.request(method, f"/{path}", json=body, headers=who.headers)
        transaction.set_rollback(True)
    return answer


def asked_by(who: Asker, path: str, method: str, ids: Ids, row: Row) -> httpx.Response:
    body = row.body(who, ids) if row.body else None
    target = re.sub(r"<uuid:(\w+)>", lambda name: str(getattr(ids, name[1])), path)
    return ask(who, method, target, body)


def test_every_route_and_method_stands_in_the_table() -> None:
    assert routes() == set(TABLE)


def test_a_route_that_the_table_lacks_is_noticed() -> None:
    assert routes() - (set(TABLE) - {("api/mobile/me", "GET")}) == {("api/mobile/me", "GET")}


@pytest.mark.parametrize("who", EVERYBODY)
def test_everybody_gets_what_the_table_says(
    acme: Organisation, globex: Organisation, alice: Membership, alices: Ids, who: str
) -> None:
    person = make(who, acme, alice, globex)
    got: dict[tuple[str, str, str], int | None] = {}
    wanted: dict[tuple[str, str, str], int | None] = {}
    for (path, method), row in sorted(TABLE.items()):
        own = row.shut_out if who in SHUT_OUT else row.own_of(who)
        wanted[method, path, "own"] = own
        got[method, path, "own"] = asked_by(person, path, method, person.own, row).status_code
        if method == "GET" and path.startswith("api/mobile/"):
            head = asked_by(person, path, "HEAD", person.own, row)
            wanted["HEAD", path, "own"], got["HEAD", path, "own"] = own, head.status_code
        if row.other is None:
            continue
        wanted[method, path, "other"] = row.shut_out if who in SHUT_OUT else row.other_of(who)
        answer = asked_by(person, path, method, alices, row)
        got[method, path, "other"] = answer.status_code

    assert got == wanted


@pytest.mark.parametrize("who", [*SHUT_OUT, "guest", "another organisation"])
def test_who_is_kept_out_of_a_claim_gets_no_bundle_in_bulk_either(
    acme: Organisation, globex: Organisation, alice: Membership, alice_phone: Phone, who: str
) -> None:
    person = make(who, acme, alice, globex)
    body = {"device_ids": [str(alice_phone.id)]}
    answer = ask(person, "POST", "api/mobile/key-bundles/claim", body)

    if who in SHUT_OUT:
        assert answer.status_code == 401
    else:
        assert answer.json() == {
            "results": [{"device_id": str(alice_phone.id), "error": {"code": "not_found"}}]
        }


@pytest.mark.parametrize("who", ["guest", "another organisation"])
def test_who_has_nothing_to_do_with_acme_sees_their_own_alone(
    acme: Organisation, globex: Organisation, alice: Membership, alices: Ids, who: str
) -> None:
    """A guest, those of its room; both, nothing that happens elsewhere."""
    person = make(who, acme, alice, globex)

    def shown(what: str) -> Any:
        answer = ask(person, "GET", f"api/mobile/{what}")
        assert answer.status_code == 200
        return answer.json()

    def ids(what: str) -> set[str]:
        return {row["id"] for row in shown(what)["results"]}

    cursor = shown("changes")["cursor"]
    cast.phone(cast.member(acme, "Eve"))
    changes = shown(f"changes?cursor={cursor}")

    assert ids("members") == {shown("me")["membership"]["id"], str(person.own.membership_id)}
    assert ids("rooms") == {str(person.own.room_id)}
    for kind in ("rooms", "members", "devices"):
        assert changes[kind] == {"changed": [], "removed": []}, kind
    assert shown("mailbox") == {"envelopes": [], "more": False}


@pytest.mark.parametrize("who", [who for who in SHUT_OUT if who != "expired token"])
def test_who_is_shut_out_cannot_tell_why(
    acme: Organisation, globex: Organisation, alice: Membership, who: str
) -> None:
    """Only an hour that is over has a code of its own; all else is a token that is not valid."""
    body = ask(make(who, acme, alice, globex), "GET", "api/mobile/me").json()
    body.pop("request_id")

    assert body == {
        "type": "urn:semafore:problem:token_invalid",
        "title": "A valid token is needed.",
        "status": 401,
        "detail": "A valid token is needed.",
        "code": "token_invalid",
    }


def test_nobody_changes_anything_by_being_refused(
    acme: Organisation, globex: Organisation, alice: Membership, alices: Ids
) -> None:
    """Refusals are counted, and that is all that they leave."""
    counted = {"audit_denial", "audit_platformdenial"}
    for who in (*SHUT_OUT, "another organisation"):
        person = make(who, acme, alice, globex)
        for (path, method), row in sorted(TABLE.items()):
            with statements() as sent:
                answer = asked_by(person, path, method, alices, row)
            if answer.status_code < 400:
                continue
            touched = {sql.split()[2] for sql in sent if sql.startswith(("INSERT", "DELETE"))}
            assert touched <= counted, (who, method, path)
            assert not [sql for sql in sent if sql.startswith("UPDATE")], (who, method, path)


# Somebody else's id and nobody's


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL that is sent, without its parameters."""
    sent: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        sent.append(sql.strip())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield sent


def seen_by(
    person: Asker, path: str, method: str, ids: Ids, row: Row
) -> tuple[int, dict[str, str], Any, list[str]]:
    """All that an answer shows but the ids of the request and of what was asked for."""
    with statements() as sent:
        answer = asked_by(person, path, method, ids, row)
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    text = re.sub("|".join(map(str, vars(ids).values())), "{id}", answer.text)
    body = httpx.Response(200, text=text).json() if text else None
    if isinstance(body, dict):
        body.pop("request_id", None)
    named = [re.sub(r'"s\d+_x\d+"', "a savepoint", sql) for sql in sent]
    return answer.status_code, headers, body, named


WITH_ID = sorted(
    (path, method)
    for path, method in TABLE
    if TABLE[path, method].other in {404, 201, 200} and method != "OPTIONS" and "auth" not in path
)


@pytest.mark.parametrize("route", WITH_ID, ids=" ".join)
def test_somebody_elses_id_looks_like_nobodys(
    route: tuple[str, str],
    acme: Organisation,
    globex: Organisation,
    alice: Membership,
    charlies: Ids,
) -> None:
    """Each of the ids that the request names, among others that are the asker's own."""
    (path, method), row = route, TABLE[route]
    person = make("member" if "member" in row.roles else "owner", acme, alice, globex)
    body = str(row.body and row.body(person, person.own))
    named = [
        name
        for name, own in vars(person.own).items()
        if f"<uuid:{name}>" in path or str(own) in body
    ]
    for name in named:
        theirs = getattr(charlies, name)
        nobodys = seen_by(person, path, method, replace(person.own, **{name: uuid4()}), row)
        seen = seen_by(person, path, method, replace(person.own, **{name: theirs}), row)

        assert nobodys[0] == (200 if path.endswith("key-bundles/claim") else 404), name
        assert seen == nobodys, name


@pytest.mark.parametrize("who", ["pending device", "denied device", "revoked device"])
def test_a_device_that_is_not_let_in_looks_like_nobodys(
    acme: Organisation, globex: Organisation, alice: Membership, who: str
) -> None:
    person = make("member", acme, alice, globex)
    hidden = make(who, acme, alice, globex)
    path, method = f"{BUNDLE}/claim", "POST"
    row = TABLE[path, method]

    assert (
        seen_by(person, path, method, hidden.own, row)[:3]
        == (seen_by(person, path, method, Ids(), row)[:3])
    )


def test_an_outsider_cannot_tell_what_there_is_from_what_is_not(
    acme: Organisation, globex: Organisation, alice: Membership, alices: Ids
) -> None:
    outsider = make("another organisation", acme, alice, globex)
    for path, method in WITH_ID:
        row = TABLE[path, method]
        theirs = seen_by(outsider, path, method, alices, row)
        assert theirs == seen_by(outsider, path, method, Ids(), row), (path, method)


def test_authentication_does_not_tell_a_device_from_none(
    acme: Organisation, globex: Organisation, alice: Membership, alice_phone: Phone
) -> None:
    """The log that counts the refusal differs: its own organisation's, or the platform's."""
    anybody = make("anonymous", acme, alice, globex)

    def answers(device_id: UUID) -> list[Any]:
        with statements() as sent:
            asked = ask(
                anybody, "POST", "api/mobile/auth/challenge", {"device_id": str(device_id)}
            ).json()
            proof = {
                "device_id": str(device_id),
                "challenge": asked["challenge"],
                "signature": encode(alice_phone.keys.sign(b"another message")),
            }
            refused = ask(anybody, "POST", "api/mobile/auth/token", proof).json()
        refused.pop("request_id")
        return [sorted(asked), len(asked["challenge"]), refused, len(sent)]

    known, unknown = answers(alice_phone.id), answers(uuid4())

    assert known == unknown
    assert known[2]["code"] == "signature_invalid"
