"""Accounts: one person, one number, and no way from one organisation to the next."""

import pytest
from django.db import IntegrityError, connection, transaction

from audit.models import PlatformEvent
from orgs.errors import PhoneInvalid
from orgs.models import Account
from orgs.services.accounts import create_account, normalise_phone
from semafore.kernel.actor import SYSTEM, acting_as

PASSWORD = "correct horse battery staple"


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("+447700900123", "+447700900123"),
        ("+44 7700 900123", "+447700900123"),
        ("+44 (0)7700 900-123", "+447700900123"),
        (" +44.7700.900123 ", "+447700900123"),
        ("\uff0b44 7700 900123", "+447700900123"),
        ("+1 (415) 555-0132", "+14155550132"),
        ("+39 06 1234 5678", "+390612345678"),
    ],
)
def test_a_number_has_one_spelling(written: str, normal: str) -> None:
    assert normalise_phone(written) == normal


@pytest.mark.parametrize(
    "number",
    [
        "07700900123",  # whose country?
        "not a number",
        "+",
        "+44",
        "+44770090012345678",
        "+999123456789",
        "447700900123",
        "",
    ],
)
def test_what_is_no_international_number_is_refused(number: str) -> None:
    with pytest.raises(PhoneInvalid) as caught:
        normalise_phone(number)

    assert caught.value.status == 422


@pytest.mark.parametrize("number", ["+4912", "+491234", "+49123456789012345"])
def test_what_the_database_would_refuse_is_refused_first(db: None, number: str) -> None:
    """Possible in the national plan, and yet no E.164 number of 7 to 15 digits."""
    with acting_as(SYSTEM), pytest.raises(PhoneInvalid):
        create_account(phone=number)


@pytest.mark.parametrize("number", ["+2901234", "+6834000", "+4412345678", "+390612345678"])
def test_short_and_long_numbers_that_exist_are_kept(db: None, number: str) -> None:
    with acting_as(SYSTEM):
        assert create_account(phone=number).phone == number


def test_an_account_is_stored_under_the_normal_spelling(db: None) -> None:
    with acting_as(SYSTEM):
        account = create_account(phone="+44 7700 900123", email="Alice@Example.ORG")
    account.refresh_from_db()

    assert (account.phone, account.email) == ("+447700900123", "alice@example.org")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"phone": "+44 7700 900123"}, {"phone": "+447700900123"}),
        ({"email": "alice@example.org"}, {"email": "ALICE@example.org"}),
    ],
)
def test_a_number_or_address_belongs_to_one_account(
    db: None, first: dict[str, str], second: dict[str, str]
) -> None:
    with acting_as(SYSTEM):
        create_account(**first)
        with pytest.raises(IntegrityError), transaction.atomic():
            create_account(**second)


@pytest.mark.parametrize("column", ["phone = '07700 900123'", "email = 'Alice@example.org'"])
def test_the_database_holds_the_spelling_too(db: None, column: str) -> None:
    with acting_as(SYSTEM):
        create_account(phone="+447700900123")
    with (
        pytest.raises(IntegrityError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE orgs_account SET {column}")


def test_a_password_is_kept_as_argon2_alone(db: None) -> None:
    with acting_as(SYSTEM):
        account = create_account(email="alice@example.org", password=PASSWORD)
    stored = Account.objects.get(id=account.id).password

    assert stored.startswith("argon2$argon2id$")
    assert PASSWORD not in stored
    assert account.check_password(PASSWORD)
    assert not account.check_password(PASSWORD + " ")


def test_without_a_password_nobody_signs_in(db: None) -> None:
    with acting_as(SYSTEM):
        account = create_account(phone="+447700900123")

    assert not account.has_usable_password()
    assert not account.check_password("")


def test_sign_in_finds_the_address_in_any_case(db: None) -> None:
    with acting_as(SYSTEM):
        account = create_account(email="alice@example.org")

    assert Account.objects.get_by_natural_key("ALICE@EXAMPLE.org") == account


def test_an_account_is_an_event_of_the_platform_alone(db: None) -> None:
    before = PlatformEvent.objects.count()
    with acting_as(SYSTEM):
        create_account(phone="+447700900123")

    assert PlatformEvent.objects.count() == before + 1
    written = bytes(PlatformEvent.objects.order_by("-id")[0].what or b"")
    assert b"account.created" in written
    assert b"7700900123" not in written


def test_an_account_shows_neither_number_nor_address_in_text(db: None) -> None:
    with acting_as(SYSTEM):
        account = create_account(phone="+447700900123", email="alice@example.org")

    assert "7700900123" not in f"{account} {account!r}"
    assert "alice" not in f"{account} {account!r}"
