"""The statements of a claim are planned once a connection (quality.md: planning costs the most)."""

from uuid import uuid4

from django.db import connection

from tests.cast import Phone

CLAIMS = 12
"""PostgreSQL plans the first five of each statement for their own values."""


def test_claims_are_planned_once(alice_phone: Phone, bob_phone: Phone) -> None:
    for _ in range(CLAIMS):
        alice_phone.api.claim(bob_phone.id, idempotency_key=str(uuid4()))

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT statement FROM pg_prepared_statements"
            " WHERE custom_plans > 5 AND generic_plans = 0"
        )
        assert cursor.fetchall() == []
