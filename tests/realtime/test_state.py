"""The row that says which socket is the one, and the looks: few statements, one organisation."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from pytest_django import DjangoAssertNumQueries

from keys.models import DeviceToken
from orgs.models import Membership
from realtime.models import Connection
from realtime.selectors import sights
from realtime.services import SEEN_EVERY, note_seen, take_place
from semafore.kernel import clock
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.cast import Phone
from tests.realtime import acts


@pytest.fixture
def inside_acme(alice_phone: Phone) -> Iterator[None]:
    with acts.inside(alice_phone):
        yield


def token_hashes(*phones: Phone) -> list[bytes]:
    for phone in phones:
        phone.api.token()
    rows = DeviceToken.objects.filter(device_id__in=[phone.id for phone in phones])
    return [bytes(hashed) for hashed in rows.values_list("token_hash", flat=True)]


def test_the_serial_grows_with_each_connect(
    inside_acme: None, alice_phone: Phone, bob_phone: Phone
) -> None:
    assert [take_place(device_id=alice_phone.id) for _ in range(3)] == [1, 2, 3]
    assert take_place(device_id=bob_phone.id) == 1
    assert Connection.objects.count() == 2


def test_taking_a_place_is_one_statement(
    inside_acme: None, alice_phone: Phone, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        take_place(device_id=alice_phone.id)


def test_a_look_costs_the_same_for_one_and_for_many(
    inside_acme: None,
    alice: Membership,
    alice_phone: Phone,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    phones = [alice_phone, *(cast.phone(alice) for _ in range(4))]
    for phone in phones:
        take_place(device_id=phone.id)
    hashes = token_hashes(*phones)
    assert len(hashes) == 5
    for some in (hashes[:1], hashes):
        with django_assert_num_queries(3):
            assert sights(some).keys() == set(some)
        with django_assert_num_queries(1):
            note_seen(device_ids=[phone.id for phone in phones[: len(some)]])


def test_a_look_sees_its_own_organisation_only(
    alice_phone: Phone, charlie_phone: Phone, inside_acme: None
) -> None:
    take_place(device_id=alice_phone.id)
    (hashed,) = token_hashes(alice_phone)
    assert sights([hashed])[hashed].serial == 1
    with organisation_scope(charlie_phone.device.organisation_id):
        assert sights([hashed]) == {}


def test_no_row_points_into_another_organisation(
    inside_acme: None, alice_phone: Phone, charlie_phone: Phone
) -> None:
    with pytest.raises(IntegrityError, match="same_organisation"):
        take_place(device_id=charlie_phone.id)
    assert "realtime_connection" in connection.introspection.table_names()


def test_last_seen_is_written_seldom(inside_acme: None, alice_phone: Phone) -> None:
    take_place(device_id=alice_phone.id)
    first = Connection.objects.get().last_seen
    note_seen(device_ids=[alice_phone.id])
    assert Connection.objects.get().last_seen == first
    with clock.moved_by(SEEN_EVERY + timedelta(seconds=1)):
        note_seen(device_ids=[alice_phone.id])
    row = Connection.objects.get()
    assert row.last_seen > first + SEEN_EVERY
    assert row.connected_at == first
