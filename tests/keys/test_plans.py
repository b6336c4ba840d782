"""The statements of a claim are planned once a connection (quality.md: planning costs the most)."""

from uuid import uuid4

from django.db import connection

from tests import cast
from tests.retention import FORGET_STATISTICS

CLAIMS = 12
"""PostgreSQL plans the first five of each statement for their own values."""


def test_claims_are_planned_once(committed: None) -> None:
    # Neither statements that other tests have prepared nor what was learnt of their rows counts.
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute(FORGET_STATISTICS)
    acme = cast.organisation("Acme")
    alice_phone, bob_phone = (cast.phone(cast.member(acme, name)) for name in ("Alice", "Bob"))
    for _ in range(CLAIMS):
        alice_phone.api.claim(bob_phone.id, idempotency_key=str(uuid4()))

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT statement FROM pg_prepared_statements"
            " WHERE custom_plans > 5 AND generic_plans = 0"
        )
        assert cursor.fetchall() == []
