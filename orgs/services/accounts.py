"""Accounts."""

import re

import phonenumbers
from django.db import connection, transaction
from django.db.models import Q

from audit.services.recording import record_platform
from orgs.errors import PhoneInvalid
from orgs.events import people as events
from orgs.models import Account

E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def normalise_phone(phone: str) -> str:
    """E.164 of an international number. Raises PhoneInvalid."""
    try:
        number = phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException as error:
        raise PhoneInvalid(detail=f"Not a phone number: {error}") from None
    if not phonenumbers.is_possible_number(number):
        raise PhoneInvalid(detail="No such number can exist; give it with its country code.")
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # National plans know numbers that are shorter or longer than E.164 (and the table) allows.
    if E164.fullmatch(written) is None:
        raise PhoneInvalid(detail="A number has 7 to 15 digits with its country code.")
    return written


@transaction.atomic
def create_account(
    *, phone: str | None = None, email: str | None = None, password: str | None = None
) -> Account:
    """A person's account. Raises PhoneInvalid; IntegrityError when phone or email is taken."""
    account = Account(
        phone=normalise_phone(phone) if phone else None, email=email.lower() if email else None
    )
    if password:
        account.set_password(password)
    else:
        account.set_unusable_password()
    account.save(force_insert=True)
    record_platform(events.AccountCreated(account_id=account.id))
    return account


@transaction.atomic
def move_phone(*, account: Account, phone: str) -> None:
    """Give an account a number (E.164), which whoever held it loses.

    The statements are the same whether or not somebody did: no organisation can time it.
    """
    with connection.cursor() as cursor:
        # Two organisations may move one number at once, and then it has no row to lock.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"account phone:{phone}"]
        )
    rows = Account.objects.filter(Q(phone=phone) | Q(pk=account.pk)).order_by("pk")
    holder = next((row for row in rows.select_for_update() if row.phone == phone), None)
    Account.objects.filter(phone=phone).exclude(pk=account.pk).update(phone=None)
    account.phone = phone
    account.save(update_fields=["phone"])
    previous = holder.id if holder and holder.id != account.id else None
    record_platform(events.AccountPhoneMoved(account_id=account.id, previous_account_id=previous))


@transaction.atomic
def create_operator(*, email: str, password: str) -> Account:
    """An account of the platform's own staff. Raises IntegrityError when the address is taken."""
    account = create_account(email=email, password=password)
    account.is_operator = True
    account.save(update_fields=["is_operator"])
    record_platform(events.OperatorCreated(account_id=account.id))
    return account
