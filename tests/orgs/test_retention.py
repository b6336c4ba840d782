"""Former people are forgotten, an account by the last organisation that knew it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction

from audit.models import PlatformEvent
from orgs.errors import MembershipTransition
from orgs.models import Account, FactorReset, Membership, MembershipChange, Organisation, Role
from orgs.services.accounts import create_account
from orgs.services.memberships import activate_membership, admit_member, edit_membership
from orgs.services.memberships import end_membership as end
from semafore.kernel import clock
from semafore.kernel.hooks import RetentionSweep, retention_sweep
from tests import cast
from tests.cast import inside
from tests.retention import AUDIT, LATER, METADATA, MUCH_LATER, counted, foretold, hold, plans

DAY = timedelta(days=1)


def ended(person: Membership, reason: str = "Left for Hooli") -> None:
    with inside(person.organisation):
        end(membership_id=person.id, reason=reason)


def known(person: Membership) -> tuple[str, str, str]:
    with inside(person.organisation):
        row = Membership.objects.get(id=person.id)
    return row.name, row.phone, row.email


def account_of(person: Membership) -> tuple[str | None, str | None]:
    row = Account.objects.get(id=person.account_id)
    return row.phone, row.email


def elsewhere(of: Organisation, person: Membership) -> Membership:
    """The same person in another organisation."""
    with inside(of):
        return admit_member(account=person.account, name="Robert", phone=person.phone)


def test_a_former_member_is_forgotten(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    ended(bob)
    with clock.moved_by(LATER - 2 * DAY):
        assert foretold(acme) == {}
    with clock.moved_by(LATER), inside(acme):
        before = Membership.objects.get(id=bob.id)
        assert foretold(acme) == {"memberships": 1}
        after = Membership.objects.get(id=bob.id)
        assert known(bob) == ("", "", "")
        assert after.version == before.version, "no news for the feed of changes"
        assert (after.role, after.unit, after.created_at) == (
            before.role,
            before.unit,
            before.created_at,
        )
        assert known(alice)[0] == "Alice"
        assert MembershipChange.objects.filter(reason="Left for Hooli").exists()


def test_whoever_was_forgotten_stays_so(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    ended(bob)
    with clock.moved_by(LATER):
        foretold(acme)
        with inside(acme):
            with pytest.raises(MembershipTransition):
                edit_membership(membership_id=bob.id, name="Bob", unit="")
            with pytest.raises(MembershipTransition):
                activate_membership(membership_id=bob.id)


def test_a_new_name_is_news_still(acme: Organisation, alice: Membership, bob: Membership) -> None:
    with inside(acme):
        before = Membership.objects.get(id=bob.id).version
        edit_membership(membership_id=bob.id, name="Robert", unit="")
        assert Membership.objects.get(id=bob.id).version > before


def test_a_hold_on_the_person_keeps_all(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    start = clock.now()
    ended(bob)
    end_ = clock.now()
    with clock.moved_by(MUCH_LATER):
        assert counted(acme, hold(bob)) == {}
        assert counted(acme, hold(bob, from_at=start, until_at=end_)) == {}
        forgotten = {"memberships": 1, "membership_reasons": 1}
        assert counted(acme, hold(bob, from_at=end_ + DAY)) == forgotten
        assert counted(acme, hold(bob, until_at=start - DAY)) == forgotten
        assert foretold(acme, hold(alice)) == forgotten
        with inside(acme):
            assert not MembershipChange.objects.exclude(reason="").exists()


def test_the_account_goes_with_its_last_organisation(
    acme: Organisation, globex: Organisation, alice: Membership, bob: Membership
) -> None:
    there = elsewhere(globex, bob)
    ended(bob)
    with clock.moved_by(LATER):
        assert foretold(acme) == {"memberships": 1}
        assert account_of(bob) == (bob.phone, bob.email)
        assert known(there)[0] == "Robert"
        ended(there)
    with clock.moved_by(2 * LATER):
        assert foretold(globex) == {"memberships": 1}, "of the account nothing is told"
        assert account_of(bob) == (None, None)
        assert not Account.objects.get(id=bob.account_id).has_usable_password()
        parts = [bytes(one.what or b"") for one in PlatformEvent.objects.all()]
        assert sum(b"account.forgotten" in part for part in parts) == 1
        with inside(acme):
            assert create_account(phone=bob.phone).id != bob.account_id


def test_the_account_of_an_operator_stays(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    Account.objects.filter(id=bob.account_id).update(is_operator=True)
    ended(bob)
    with clock.moved_by(LATER):
        assert foretold(acme) == {"memberships": 1}
    assert account_of(bob) == (bob.phone, bob.email)


def test_whoever_came_back_keeps_the_account(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    ended(bob)
    again = elsewhere(acme, bob)
    with clock.moved_by(LATER):
        assert foretold(acme) == {"memberships": 1}
    assert known(bob) == ("", "", "")
    assert known(again)[0] == "Robert"
    assert account_of(bob) == (bob.phone, bob.email)


def test_two_organisations_at_once_forget_the_account(committed: None) -> None:
    acme, globex = cast.organisation("Acme"), cast.organisation("Globex")
    cast.member(acme, "Alice", Role.OWNER)
    bob = cast.member(acme, "Bob")
    there = elsewhere(globex, bob)
    ended(bob)
    ended(there)
    both_swept = Barrier(2)

    def sweep(of: Organisation) -> int:
        """Neither commits before both have worked."""
        now = clock.now()
        batch = RetentionSweep(now - METADATA, now - AUDIT, now - AUDIT, holds=(), batch=10)
        try:
            with inside(of), transaction.atomic():
                retention_sweep(batch)
                both_swept.wait(timeout=60)
            return batch.rows["memberships"]
        finally:
            connection.close()

    with clock.moved_by(LATER):
        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(sweep, (acme, globex))) == [0, 1], "one waits for a later batch"
        rest = (foretold(acme), foretold(globex))
        assert sorted(len(one) for one in rest) == [0, 1]
    assert account_of(bob) == (None, None)


def test_reasons_of_factor_resets_go_with_the_audit_period(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    with inside(acme):
        FactorReset.objects.create(
            organisation_id=acme.id,
            membership=bob,
            reason="Bob's phone fell into the sea",
            requested_by=alice,
            expires_at=clock.now() + DAY,
        )
    with clock.moved_by(LATER):
        assert foretold(acme) == {}
    with clock.moved_by(MUCH_LATER):
        assert foretold(acme, hold(alice)) == foretold(acme, hold(bob)) == {}
        assert foretold(acme) == {"factor_reset_reasons": 1}


def test_work_is_found_by_indexes(acme: Organisation, bob: Membership) -> None:
    found = "\n".join(plans(acme).values())
    for index in ("membership_to_forget", "membership_change_reasoned", "factor_reset_reasoned"):
        assert index in found
