"""POST /api/audit/existence-proofs: what it takes, what it gives, to whom."""

import secrets
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from orgs.models import Membership, Organisation, Scope
from tests.audit.programs import issue
from tests.audit.published import announce, publish
from tests.audit.test_existence import say, verified
from tests.cast import Phone


def post(token: str, body: Any) -> Any:
    return Client(raise_request_exception=False).post(
        "/api/audit/existence-proofs",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )


def test_proof_and_statement_come_by_id_and_by_hash(
    acme: Organisation, alice: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    announce(acme)
    text = secrets.token_bytes(60)
    message_id = say(alice_phone, bob_phone, texts=[text])
    token = issue(acme, [Scope.AUDIT_READ]).token
    publish(acme)
    digits = sha256(text).hexdigest()

    for body in (
        {"message_id": str(message_id), "reason": "Claim 7", "case_reference": "HC-7"},
        {"ciphertext_sha256": digits},
        {"ciphertext_sha256": digits.upper()},
    ):
        answer = post(token, body)
        assert answer.status_code == 200, answer.content
        assert answer["Cache-Control"] == "no-store"
        told = answer.json()
        (one,) = told["proofs"]
        assert told["found"] == 1
        assert one.keys() == {"event_id", "seq", "proof", "statement"}
        content = text if "ciphertext_sha256" in body else None
        assert verified(acme, one["proof"], content).failed == []
        assert str(message_id) in one["statement"]


def test_what_waits_and_what_there_is_not(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone, charlie: Membership
) -> None:
    token = issue(acme).token
    publish(acme)
    message_id = say(alice_phone, bob_phone)

    waits = post(token, {"message_id": str(message_id)})
    assert (waits.status_code, waits["Retry-After"]) == (202, "1")
    publish(acme)
    foreign = issue(charlie.organisation).token
    unknown = [
        post(token, {"message_id": str(uuid4())}),
        post(token, {"ciphertext_sha256": "00" * 32}),
        post(foreign, {"message_id": str(message_id)}),
    ]
    for answer in unknown:
        assert answer.status_code == 404
        assert answer.json()["detail"] == unknown[0].json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "message_id"),
        ({"reason": "Claim 7"}, "message_id"),
        ({"message_id": str(uuid4()), "ciphertext_sha256": "00" * 32}, "message_id"),
        ({"message_id": 7}, "message_id"),
        ({"ciphertext_sha256": "00" * 31}, "ciphertext_sha256"),
        ({"ciphertext_sha256": "00" * 32 + "\n"}, "ciphertext_sha256"),
        ({"ciphertext_sha256": "zz" * 32}, "ciphertext_sha256"),
        ({"message_id": str(uuid4()), "content": "words"}, "content"),
        ({"message_id": str(uuid4()), "reason": "x" * 501}, "reason"),
    ],
)
def test_a_wrong_question_is_named(acme: Organisation, body: Any, field: str) -> None:
    answer = post(issue(acme).token, body)

    assert answer.status_code == 422, answer.content
    assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_the_scope_is_needed(acme: Organisation) -> None:
    token = issue(acme, [Scope.AUDIT_EXPORT, Scope.LOG_READ]).token

    assert post(token, {"message_id": str(uuid4())}).status_code == 403
