"""Five wrong passwords or codes lock an email for a quarter of an hour, however they come."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from pytest_django import Settings

from orgs.errors import CodeRefused, SignInLocked, SignInRefused
from orgs.models import Attempts, Role
from orgs.services.attempts import drop_attempts
from orgs.services.factors import verify_factor
from orgs.services.sign_in import prove_factor, prove_password
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.redis_client import forget_redis_client
from tests import cast
from tests.at_once import at_once
from tests.locks import wait_until_somebody_waits
from tests.orgs.sign_in.people import (
    PASSWORD,
    WRONG,
    Person,
    person,
    platform_events,
    text_of,
    wrong_code,
)

LOCK = timedelta(minutes=15)


def try_password(email: str, password: str) -> Any:
    return Client().post("/console/sign-in", {"email": email, "password": password})


def said(answer: Any) -> str:
    return text_of(answer)


@pytest.mark.usefixtures("early_in_a_minute")
def test_the_fifth_wrong_password_locks_with_a_clear_time(owner: Person) -> None:
    for _ in range(4):
        assert "is not right" in said(try_password(owner.email, WRONG))
    until = f"Try again at {clock.now() + LOCK:%H:%M} UTC, in 15 minutes."
    assert until in said(try_password(owner.email, WRONG))

    assert "Too many wrong attempts" in said(try_password(owner.email, PASSWORD))
    (locked,) = platform_events("account.locked")
    assert locked["data"] == {"account_id": str(owner.account.id), "stage": "password"}


def test_the_lock_lifts_by_time(owner: Person) -> None:
    for _ in range(5):
        try_password(owner.email, WRONG)
    with clock.moved_by(LOCK - timedelta(seconds=30)):
        assert "in 1 minute." in said(try_password(owner.email, PASSWORD))
    with clock.moved_by(LOCK):
        assert try_password(owner.email, WRONG).status_code == 200
        assert try_password(owner.email, PASSWORD).status_code == 302


def test_guessing_while_it_is_locked_makes_it_no_longer(owner: Person) -> None:
    for _ in range(5):
        try_password(owner.email, WRONG)
    with clock.moved_by(timedelta(minutes=10)):
        try_password(owner.email, WRONG)
    with clock.moved_by(LOCK):
        assert try_password(owner.email, PASSWORD).status_code == 302


@pytest.mark.usefixtures("early_in_a_minute")
def test_an_unknown_email_is_locked_just_the_same(owner: Person) -> None:
    stranger = "nobody@nowhere.example"
    for _ in range(5):
        known, unknown = try_password(owner.email, WRONG), try_password(stranger, WRONG)
        assert said(known).replace(owner.email, "") == said(unknown).replace(stranger, "")
    assert "Too many wrong attempts" in said(try_password(stranger.upper(), PASSWORD))
    assert stranger.encode() not in b"".join(bytes(row.subject) for row in Attempts.objects.all())


def test_a_right_password_forgets_the_wrong_ones(owner: Person) -> None:
    for _ in range(3):
        for _ in range(4):
            try_password(owner.email, WRONG)
        assert try_password(owner.email, PASSWORD).status_code == 302


def test_codes_are_counted_over_many_half_sign_ins(owner: Person) -> None:
    """Each with a right password before it, which doesn't give codes back."""
    wrong = wrong_code(owner.key)
    for _ in range(4):
        half = Person(owner.account, owner.key, [])
        half.give_password()
        assert "The code is not right" in said(half.give_code(wrong))
    half = Person(owner.account, owner.key, [])
    half.give_password()
    assert "Too many wrong attempts" in said(half.give_code(wrong))

    assert "Too many wrong attempts" in said(half.give_code())
    assert "Too many wrong attempts" in said(half.give_code(owner.recovery_codes[0]))
    assert "Too many wrong attempts" in said(try_password(owner.email, PASSWORD))
    with clock.moved_by(LOCK):
        assert owner.sign_in().status_code == 302


def test_a_code_that_is_refused_for_the_lock_is_not_used_up(owner: Person) -> None:
    half = Person(owner.account, owner.key, owner.recovery_codes)
    half.give_password()
    for _ in range(5):
        half.give_code(wrong_code(owner.key))
    half.give_code(owner.recovery_codes[0])
    with clock.moved_by(LOCK):
        half.give_password()
        assert half.give_code(owner.recovery_codes[0]).status_code == 302


def test_counts_that_no_longer_count_are_swept(owner: Person) -> None:
    try_password(owner.email, WRONG)
    assert drop_attempts() == 0
    with clock.moved_by(LOCK + timedelta(seconds=1)):
        assert drop_attempts() == 1


# At once


@pytest.fixture
def committed_owner(committed: None) -> Person:
    return person(cast.member(cast.organisation("Acme"), "Alice", Role.OWNER))


def test_twenty_passwords_at_once_are_five_tries(committed_owner: Person) -> None:
    email = committed_owner.email
    results = at_once(*[lambda: prove_password(email=email, password=WRONG)] * 20)

    kinds = [type(result) for result in results]
    assert kinds.count(SignInRefused) == 4
    assert kinds.count(SignInLocked) == 16
    assert Attempts.objects.get().passwords == 5
    assert len(platform_events("account.locked")) == 1


def test_twenty_codes_at_once_are_five_tries(committed_owner: Person) -> None:
    account, wrong = committed_owner.account, wrong_code(committed_owner.key)
    results = at_once(*[lambda: prove_factor(account=account, code=wrong)] * 20)

    kinds = [type(result) for result in results]
    assert (kinds.count(CodeRefused), kinds.count(SignInLocked)) == (4, 16)


@pytest.mark.parametrize("recovery", [False, True])
def test_one_code_at_once_is_good_once(committed_owner: Person, recovery: bool) -> None:
    account = committed_owner.account
    code = committed_owner.recovery_codes[0] if recovery else committed_owner.code
    results = at_once(*[lambda: verify_factor(account=account, code=code)] * 8)

    assert sorted(results) == [False] * 7 + [True]


def test_a_code_waits_for_the_request_that_came_first(committed_owner: Person) -> None:
    account, code = committed_owner.account, committed_owner.code

    def second() -> bool:
        with acting_as(SYSTEM):
            try:
                return verify_factor(account=account, code=code)
            finally:
                connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), acting_as(SYSTEM):
            assert verify_factor(account=account, code=code)
            late = pool.submit(second)
            wait_until_somebody_waits(or_ended=late.done)
        assert late.result(timeout=60) is False


def test_the_lock_holds_without_redis(owner: Person, settings: Settings) -> None:
    """The throttle of addresses then counts in each process; the rows hold."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    forget_redis_client()
    try:
        for _ in range(5):
            try_password(owner.email, WRONG)
        assert "Too many wrong attempts" in said(try_password(owner.email, PASSWORD))
    finally:
        forget_redis_client()
