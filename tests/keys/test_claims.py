"""Claiming: who may, what is consumed, limits, retries."""

from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from audit.tasks import settle_denials
from keys.models import RevocationReason
from keys.services.revocation import revoke_device
from keys.tasks import drop_claims, drop_tombstones
from orgs.models import Membership
from orgs.services.memberships import suspend_membership
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.api import ApiProblem
from tests import cast
from tests.keys.test_bundles import refused

pytestmark = pytest.mark.django_db


def test_keys_are_issued_in_upload_order_each_once(
    alice_phone: cast.Phone, bob_phone: cast.Phone
) -> None:
    issued = [alice_phone.api.claim(bob_phone.id)["one_time_pre_key"] for _ in range(22)]
    assert [key and key["key_id"] for key in issued] == [*range(1, 21), None, None]


def test_a_claim_takes_at_most_nine_statements(
    alice_phone: cast.Phone, bob_phone: cast.Phone
) -> None:
    alice_phone.api.token()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        alice_phone.api.claim(bob_phone.id)
    # In production the savepoint and its release are BEGIN and COMMIT.
    assert len(queries) <= 9, [query["sql"][:80] for query in queries]


def test_an_expired_signed_pre_key_refuses_and_consumes_nothing(
    alice_phone: cast.Phone, bob_phone: cast.Phone
) -> None:
    with clock.moved_by(timedelta(hours=168)):
        with refused(428, "spk_expired"):
            alice_phone.api.claim(bob_phone.id)
        status = bob_phone.api.status()
        assert status["signed_pre_key"]["expired"]
        assert status["one_time_pre_keys"]["available"] == 20
        bob_phone.api.rotate(bob_phone.keys.rotate_signed_pre_key().to_public_json())
        assert alice_phone.api.claim(bob_phone.id)["one_time_pre_key"]["key_id"] == 1


def test_one_minute_before_its_age_it_is_still_good(
    alice_phone: cast.Phone, bob_phone: cast.Phone
) -> None:
    with clock.moved_by(timedelta(hours=167, minutes=59)):
        alice_phone.api.claim(bob_phone.id)


def test_a_refused_session_is_in_the_log_once_a_minute_with_its_count(
    alice_phone: cast.Phone, bob_phone: cast.Phone
) -> None:
    with clock.moved_by(timedelta(hours=169)):
        for _ in range(3):
            with refused(428, "spk_expired"):
                alice_phone.api.claim(bob_phone.id)
    with clock.moved_by(timedelta(hours=170)):
        settle_denials()
    refusals = cast.events(bob_phone.device, "session.refused")
    assert [one["outcome"] for one in refusals] == ["denied"] * len(refusals)
    assert sum(one["attempts"]["count"] for one in refusals) == 3
    assert refusals[0]["data"] == {"signed_pre_key_id": 1}


def test_a_retry_with_its_key_gets_its_own_key_and_is_not_counted(
    alice_phone: cast.Phone, bob_phone: cast.Phone, settings: Settings
) -> None:
    settings.CLAIMS_PER_TARGET_PER_DAY = 2
    first = alice_phone.api.claim(bob_phone.id, idempotency_key="one")
    events = len(cast.events(bob_phone.device))
    for _ in range(5):
        assert alice_phone.api.claim(bob_phone.id, idempotency_key="one") == first
    assert len(cast.events(bob_phone.device)) == events
    assert alice_phone.api.claim(bob_phone.id, idempotency_key="two") != first
    with refused(429, "claim_limit"):
        alice_phone.api.claim(bob_phone.id, idempotency_key="three")
    assert alice_phone.api.claim(bob_phone.id, idempotency_key="one") == first


def test_a_retry_of_a_claim_that_got_none_gets_none_again(
    alice_phone: cast.Phone, bob_phone: cast.Phone
) -> None:
    bob_phone.api.withdraw()
    assert alice_phone.api.claim(bob_phone.id, idempotency_key="x")["one_time_pre_key"] is None
    bob_phone.api.publish(bob_phone.keys.make_one_time_pre_keys(5))
    assert alice_phone.api.claim(bob_phone.id, idempotency_key="x")["one_time_pre_key"] is None


def test_an_idempotency_key_belongs_to_one_device_and_one_request(
    alice: Membership, alice_phone: cast.Phone, bob_phone: cast.Phone
) -> None:
    second = cast.phone(alice, name="Laptop")
    mine = alice_phone.api.claim(bob_phone.id, idempotency_key="same")
    assert second.api.claim(bob_phone.id, idempotency_key="same") != mine
    with refused(422, "idempotency_key_reused"):
        alice_phone.api.claim(second.id, idempotency_key="same")
    with refused(422, "idempotency_key_reused"):
        alice_phone.api.claim_many([bob_phone.id, second.id], idempotency_key="same")


def test_the_limit_counts_the_person_not_the_device_and_names_its_end(
    alice: Membership, alice_phone: cast.Phone, bob_phone: cast.Phone, settings: Settings
) -> None:
    settings.CLAIMS_PER_TARGET_PER_DAY = 3
    laptop = cast.phone(alice, name="Laptop")
    alice_phone.api.claim(bob_phone.id)
    with clock.moved_by(timedelta(hours=1)):
        laptop.api.claim(bob_phone.id)
        alice_phone.api.claim(bob_phone.id)
    with clock.moved_by(timedelta(hours=2)):
        for phone in (alice_phone, laptop):
            with refused(429, "claim_limit") as problems:
                phone.api.claim(bob_phone.id)
            # The oldest claim leaves the 24 hours 22 hours from now.
            assert abs(problems[0].body["retry_after"] - 22 * 3600) < 60
        assert bob_phone.api.status()["one_time_pre_keys"]["available"] == 17
    with clock.moved_by(timedelta(hours=24, minutes=1)):
        alice_phone.api.claim(bob_phone.id)


def test_many_claims_of_one_target_raise_an_alarm_and_refuse_nobody(
    alice_phone: cast.Phone, bob_phone: cast.Phone, settings: Settings
) -> None:
    settings.UNUSUAL_CLAIMS_PER_DAY = 5
    for _ in range(8):
        alice_phone.api.claim(bob_phone.id)
    alarms = cast.events(bob_phone.device, "key_bundle.claims_unusual")
    assert [alarm["data"] for alarm in alarms] == [{"claims": 5}]


def test_what_one_may_not_reach_does_not_exist(
    alice_phone: cast.Phone, bob_phone: cast.Phone, charlie_phone: cast.Phone, bob: Membership
) -> None:
    pending = cast.phone(bob, approved=False, name="Pending")
    revoked = cast.phone(bob, name="Revoked")
    with acting_as(SYSTEM), organisation_scope(bob.organisation_id):
        revoke_device(device_id=revoked.id, reason=RevocationReason.LOST)
    for hidden in (charlie_phone.id, pending.id, revoked.id, uuid4()):
        with refused(404, "not_found"):
            alice_phone.api.claim(hidden)
    with acting_as(SYSTEM), organisation_scope(bob.organisation_id):
        suspend_membership(membership_id=bob.id, reason="test")
    with refused(404, "not_found"):
        alice_phone.api.claim(bob_phone.id)


def test_a_device_has_no_use_for_its_own_bundle(alice_phone: cast.Phone) -> None:
    with refused(422, "own_device"):
        alice_phone.api.claim(alice_phone.id)


def test_one_bad_device_never_fails_the_rest(
    alice_phone: cast.Phone, bob_phone: cast.Phone, bob: Membership, charlie_phone: cast.Phone
) -> None:
    with clock.moved_by(-timedelta(hours=169)):
        lapsed = cast.phone(bob, name="Lapsed")
    empty = cast.phone(bob, name="Empty", one_time_pre_keys=0)
    asked = [charlie_phone.id, bob_phone.id, lapsed.id, alice_phone.id, empty.id, uuid4()]
    results = alice_phone.api.claim_many(asked)
    assert [result["device_id"] for result in results] == [str(one) for one in asked]
    assert [
        result["error"]["code"] if "error" in result else result["bundle"]["one_time_pre_key"]
        for result in results
    ] == [
        "not_found",
        results[1]["bundle"]["one_time_pre_key"],
        "spk_expired",
        "own_device",
        None,
        "not_found",
    ]
    assert results[1]["bundle"]["one_time_pre_key"]["key_id"] == 1


def test_a_bulk_claim_is_one_event(
    alice_phone: cast.Phone, bob: Membership, bob_phone: cast.Phone
) -> None:
    other = cast.phone(bob, name="Tablet")
    alice_phone.api.claim_many([bob_phone.id, other.id])
    (event,) = cast.events(bob_phone.device, "key_bundle.claimed")
    claims = event["data"]["claims"]
    assert {claim["device_id"]: claim["key_id"] for claim in claims} == {
        str(bob_phone.id): 1,
        str(other.id): 1,
    }


def test_a_bulk_retry_gets_the_same_keys(
    alice_phone: cast.Phone, bob: Membership, bob_phone: cast.Phone
) -> None:
    other = cast.phone(bob, name="Tablet")
    first = alice_phone.api.claim_many([bob_phone.id, other.id], idempotency_key="bulk")
    again = alice_phone.api.claim_many([bob_phone.id, other.id], idempotency_key="bulk")
    assert first == again


@pytest.mark.parametrize("ids", [[], [0] * 101, [1, 1]])
def test_a_bulk_claim_names_1_to_100_devices_each_once(
    alice_phone: cast.Phone, ids: list[int]
) -> None:
    devices = [uuid4() for _ in set(ids)] * (len(ids) // max(1, len(set(ids)))) if ids else []
    if len(ids) == 101:
        devices = [uuid4() for _ in ids]
    with refused(422, "invalid") as problems:
        alice_phone.api.claim_many(devices)
    assert problems[0].body["errors"][0]["field"].startswith("device_ids")


def test_an_idempotency_key_is_short_visible_ascii(
    alice_phone: cast.Phone, bob_phone: cast.Phone
) -> None:
    for bad in ("x" * 101, "a b", "\t"):
        with pytest.raises(ApiProblem) as caught:
            alice_phone.api.claim(bob_phone.id, idempotency_key=bad)
        assert caught.value.status == 422


def test_tombstones_live_30_days_and_claims_24_hours(
    alice_phone: cast.Phone, bob_phone: cast.Phone
) -> None:
    def rows(table: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table}")
            return int(cursor.fetchone()[0])

    alice_phone.api.claim(bob_phone.id)
    before = rows("keys_onetimeprekey")
    drop_tombstones()
    drop_claims()
    assert (rows("keys_onetimeprekey"), rows("keys_claim")) == (before, 1)
    with clock.moved_by(timedelta(hours=24, minutes=1)):
        drop_tombstones()
        drop_claims()
    assert (rows("keys_onetimeprekey"), rows("keys_claim")) == (before, 0)
    with clock.moved_by(timedelta(days=30, minutes=1)):
        drop_tombstones()
    assert rows("keys_onetimeprekey") == before - 1


def test_every_refused_change_is_in_the_log(
    alice_phone: cast.Phone, bob_phone: cast.Phone, charlie_phone: cast.Phone
) -> None:
    """Whatever the route: who tried what on which id; told to the one who tried's organisation."""
    with refused(404, "not_found"):
        alice_phone.api.claim(charlie_phone.id)
    alice_phone.api.claim_many([charlie_phone.id, bob_phone.id])
    with refused(404, "not_found"):
        alice_phone.api.revoke(bob_phone.id)
    with refused(404, "not_found"):
        alice_phone.api._send("PUT", f"key-bundles/{bob_phone.id}", {})
    with refused(404, "not_found"):
        alice_phone.api._send("GET", f"key-bundles/{bob_phone.id}")
    with clock.moved_by(timedelta(minutes=2)):
        settle_denials()
    denied: Counter[str] = Counter()
    # An event for each minute: one may have ended in between.
    for what in cast.events(alice_phone.device, "access.denied"):
        denied[what["data"]["act"]] += what["attempts"]["count"]
    assert denied == {
        "DELETE /api/mobile/devices/<uuid:device_id>": 1,
        "PUT /api/mobile/key-bundles/<uuid:device_id>": 1,
        "claim a key bundle": 2,
    }
    assert cast.events(charlie_phone.device, "access.denied") == []
