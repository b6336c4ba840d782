"""Two real X3DH clients agree through the server: with an OPK, without, across a rotation."""

from datetime import timedelta

import pytest
from django.db import connection

from keys.services import sweeps
from keys.tasks import delete_lapsed_signed_pre_keys
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests import cast

pytestmark = pytest.mark.django_db


def agree(initiator: cast.Phone, responder: cast.Phone) -> bool:
    """The initiator claims and agrees; whether both ends have the same secret."""
    secret, header = initiator.keys.initiate(initiator.api.claim(responder.id))
    return responder.keys.respond(header) == secret


def test_with_a_one_time_pre_key(alice_phone: cast.Phone, bob_phone: cast.Phone) -> None:
    bundle = alice_phone.api.claim(bob_phone.id)
    secret, header = alice_phone.keys.initiate(bundle)
    assert header.one_time_pre_key_id == bundle["one_time_pre_key"]["key_id"] == 1
    assert bob_phone.keys.respond(header) == secret


def test_without_one(alice_phone: cast.Phone, bob_phone: cast.Phone) -> None:
    bob_phone.api.withdraw()
    bundle = alice_phone.api.claim(bob_phone.id)
    assert bundle["one_time_pre_key"] is None
    secret, header = alice_phone.keys.initiate(bundle)
    assert bob_phone.keys.respond(header) == secret


def test_both_ways_and_each_time_another_secret(
    alice_phone: cast.Phone, bob_phone: cast.Phone
) -> None:
    assert agree(alice_phone, bob_phone)
    assert agree(bob_phone, alice_phone)
    first, _ = alice_phone.keys.initiate(alice_phone.api.claim(bob_phone.id))
    second, _ = alice_phone.keys.initiate(alice_phone.api.claim(bob_phone.id))
    assert first != second


def test_a_session_begun_before_a_rotation_completes_within_its_grace(
    alice_phone: cast.Phone, bob_phone: cast.Phone
) -> None:
    secret, header = alice_phone.keys.initiate(alice_phone.api.claim(bob_phone.id))
    status = bob_phone.api.rotate(bob_phone.keys.rotate_signed_pre_key().to_public_json())
    assert [key["key_id"] for key in status["previous_signed_pre_keys"]] == [1]

    bundle = alice_phone.api.claim(bob_phone.id)
    assert bundle["signed_pre_key"]["key_id"] == 2
    assert [key["key_id"] for key in bundle["previous_signed_pre_keys"]] == [1]
    assert bob_phone.keys.respond(header) == secret


def test_two_quick_rotations_keep_both_superseded_keys_each_for_its_own_grace(
    alice_phone: cast.Phone, bob_phone: cast.Phone
) -> None:
    bob_phone.api.rotate(bob_phone.keys.rotate_signed_pre_key().to_public_json())
    with clock.moved_by(timedelta(hours=10)):
        status = bob_phone.api.rotate(bob_phone.keys.rotate_signed_pre_key().to_public_json())
        assert [key["key_id"] for key in status["previous_signed_pre_keys"]] == [2, 1]
    with clock.moved_by(timedelta(hours=170)):
        status = bob_phone.api.status()
        assert [key["key_id"] for key in status["previous_signed_pre_keys"]] == [2]
        bundle = alice_phone.api.claim(bob_phone.id)
        assert [key["key_id"] for key in bundle["previous_signed_pre_keys"]] == [2]
    with clock.moved_by(timedelta(hours=179)):
        assert bob_phone.api.status()["previous_signed_pre_keys"] == []


def rows_of_signed_pre_keys(phone: cast.Phone) -> list[tuple[int, bytes | None, bytes | None]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key_id, public_key, signature FROM keys_signedprekey"
            " WHERE device_id = %s ORDER BY key_id",
            [phone.id],
        )
        return list(cursor.fetchall())


def test_past_the_grace_the_old_key_is_gone_from_bundle_and_database(
    alice_phone: cast.Phone, bob_phone: cast.Phone
) -> None:
    old = bob_phone.keys.signed_pre_key.public_key
    bob_phone.api.rotate(bob_phone.keys.rotate_signed_pre_key().to_public_json())

    with clock.moved_by(timedelta(hours=167, minutes=59)):
        delete_lapsed_signed_pre_keys()
        assert rows_of_signed_pre_keys(bob_phone)[0][1] == old

    with clock.moved_by(timedelta(hours=168)):
        # Not in the bundle, sweep or no sweep …
        assert bob_phone.api.status()["previous_signed_pre_keys"] == []
        assert rows_of_signed_pre_keys(bob_phone)[0][1] == old
        # … and with the sweep not in the database.
        delete_lapsed_signed_pre_keys()
        assert rows_of_signed_pre_keys(bob_phone)[0] == (1, None, None)
        assert rows_of_signed_pre_keys(bob_phone)[1][1] is not None


def test_the_sweep_records_each_key_it_deletes_once(bob_phone: cast.Phone) -> None:
    bob_phone.api.rotate(bob_phone.keys.rotate_signed_pre_key().to_public_json())
    organisation_id = bob_phone.device.organisation_id
    with clock.moved_by(timedelta(hours=168)), organisation_scope(organisation_id):
        with acting_as(SYSTEM):
            assert sweeps.delete_lapsed_signed_pre_keys() == 1
            assert sweeps.delete_lapsed_signed_pre_keys() == 0
        assert [
            one["data"]["key_id"] for one in cast.events(bob_phone.device, "signed_pre_key.deleted")
        ] == [1]
