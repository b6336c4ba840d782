"""`GET devices/{id}/enrolment-proof`: which identity key was approved, to who may claim it."""

import re
from uuid import UUID, uuid4

import httpx
import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.verifier import Proved, verify_proof
from keys.models import RevocationReason
from keys.services.revocation import revoke_device
from orgs.models import Membership, Organisation
from orgs.services.memberships import suspend_membership
from semafore.local.client.wire import encode
from semafore.wsgi import application
from tests import cast
from tests.cast import Phone, inside
from tests.keys.logs import published
from tests.keys.test_bundles import refused
from tests.messaging.calls import external, guest

pytestmark = pytest.mark.django_db

VALUES = re.compile(r"ANY\([^)]*\)|'[^']*'")
"""In a statement."""


def raw(phone: Phone, path: str, **headers: str) -> httpx.Response:
    """The answer as it comes."""
    transport = httpx.WSGITransport(app=application)
    with httpx.Client(transport=transport, base_url=settings.BASE_URL) as client:
        token = {"Authorization": f"Bearer {phone.api.token()}"}
        return client.get(f"/api/mobile/{path}", headers=token | headers)


def proved(asker: Phone, device_id: UUID) -> Proved:
    """The proof, verified by what the asker gets of the log."""
    text = asker.api.enrolment_proof(device_id)
    assert text is not None
    return verify_proof(text, asker.api.log()["vkeys"])


def test_it_binds_the_device_to_its_identity_key_and_names_nobody(
    acme: Organisation, alice_phone: Phone, bob: Membership, bob_phone: Phone
) -> None:
    newest = published(acme)
    found = proved(alice_phone, bob_phone.id)

    assert found.what is not None
    assert found.what["type"] == "device.approved"
    assert found.what["data"] == {
        "device_id": str(bob_phone.id),
        "identity_key": encode(bob_phone.keys.identity_key),
        "compared": "in_person",
    }
    assert found.who is None
    assert found.checkpoint.size == newest.size
    assert "Who was involved: withheld; only the commitment is here." in found.findings.not_checked
    answer = raw(alice_phone, f"devices/{bob_phone.id}/enrolment-proof", Accept="text/plain")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    for people in (bob.name, str(bob.id), bob.phone):
        assert people not in answer.text


def test_a_bundle_names_the_same_entry(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    before = alice_phone.api.claim(bob_phone.id)["log"]
    published(acme)
    after = alice_phone.api.claim(bob_phone.id)["log"]
    (bulk,) = alice_phone.api.claim_many([bob_phone.id])

    found = proved(alice_phone, bob_phone.id)
    assert before == {"index": None, "leaf": encode(found.leaf)}
    assert after == bulk["bundle"]["log"] == {"index": found.index, "leaf": encode(found.leaf)}


def test_until_there_is_a_checkpoint_the_device_is_told_to_wait(
    acme: Organisation, alice: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    path = f"devices/{bob_phone.id}/enrolment-proof"
    waiting = raw(alice_phone, path)
    assert (waiting.status_code, waiting.content) == (202, b"")
    assert waiting.headers["Retry-After"] == "1"
    assert alice_phone.api.enrolment_proof(bob_phone.id) is None

    published(acme)
    assert raw(alice_phone, path).status_code == 200
    newcomer = cast.phone(alice, name="Tablet")
    assert raw(newcomer, path).status_code == 200
    assert alice_phone.api.enrolment_proof(newcomer.id) is None


def test_ones_own_device_is_proved_too(acme: Organisation, bob_phone: Phone) -> None:
    published(acme)
    proved(bob_phone, bob_phone.id)


def test_a_guest_sees_and_is_seen_by_who_shares_a_room(
    acme: Organisation, alice: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    gus = guest(acme, alice)
    gus_phone = cast.phone(gus)
    published(acme)
    for asker, target in ((gus_phone, alice_phone), (alice_phone, gus_phone)):
        with refused(404, "not_found"):
            asker.api.enrolment_proof(target.id)

    external(acme, alice, gus)
    proved(gus_phone, alice_phone.id)
    proved(alice_phone, gus_phone.id)
    proved(gus_phone, gus_phone.id)
    for asker, target in ((gus_phone, bob_phone), (bob_phone, gus_phone)):
        with refused(404, "not_found"):
            asker.api.enrolment_proof(target.id)


def test_who_could_not_be_claimed_has_no_proof(
    acme: Organisation, alice_phone: Phone, bob: Membership, bob_phone: Phone
) -> None:
    pending = cast.phone(bob, approved=False, name="Tablet")
    published(acme)
    with refused(404, "not_found"):
        alice_phone.api.enrolment_proof(pending.id)

    lost = cast.phone(bob, name="Old phone")
    published(acme)
    with inside(acme):
        revoke_device(device_id=lost.id, reason=RevocationReason.LOST)
    with refused(404, "not_found"):
        alice_phone.api.enrolment_proof(lost.id)
    with refused(403, "access_revoked"):
        lost.api.enrolment_proof(lost.id)

    with inside(acme):
        suspend_membership(membership_id=bob.id, reason="holiday")
    with refused(404, "not_found"):
        alice_phone.api.enrolment_proof(bob_phone.id)


def test_unknown_hidden_and_foreign_devices_are_not_told_apart(
    acme: Organisation,
    alice: Membership,
    bob_phone: Phone,
    charlie_phone: Phone,
) -> None:
    hidden = cast.phone(guest(acme, alice))
    published(acme)
    bob_phone.api.token()
    seen = set()
    for device_id in (uuid4(), charlie_phone.id, hidden.id):
        with CaptureQueriesContext(connection) as queries, refused(404, "not_found") as problems:
            bob_phone.api.enrolment_proof(device_id)
        statements = tuple(VALUES.sub("?", str(query["sql"])) for query in queries)
        body = {**problems[0].body, "request_id": ""}
        seen.add((statements, tuple(sorted(body.items()))))
    assert len(seen) == 1


def test_a_proof_costs_seven_statements(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    published(acme)
    alice_phone.api.token()
    with CaptureQueriesContext(connection) as queries:
        alice_phone.api.enrolment_proof(bob_phone.id)
    # Token; device; reach; log; entry and event; checkpoint; tiles.
    assert len(queries) == 7, [query["sql"][:80] for query in queries]
