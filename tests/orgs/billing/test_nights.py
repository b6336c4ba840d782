"""Seats at 00:00 UTC of each day, counted in time or late."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import ProgrammingError, connection, transaction

from orgs.errors import MembershipTransition
from orgs.models import MembershipChange, MembershipStatus, Organisation, SeatCount, SeatKind
from orgs.selectors.billing import midnight, seats_at
from orgs.services.billing import count_seats
from orgs.services.ends import change_end
from orgs.services.memberships import (
    activate_membership,
    end_membership,
    suspend_membership,
)
from tests import cast
from tests.at_once import at_once
from tests.locks import wait_until_somebody_waits
from tests.orgs.billing.seats import at, come, counted, days, founded, guest, night, utc


def test_the_first_night_is_the_one_after_the_founding(db: None) -> None:
    acme, dawn = founded("2024-02-10 09:00"), founded("2024-02-10 09:00", "Globex")
    Organisation.objects.filter(id=dawn.id).update(created_at=utc("2024-02-10 00:00"))
    night("2024-02-12 00:07")
    assert days(acme) == ["2024-02-11", "2024-02-12"]
    assert days(dawn) == ["2024-02-10", "2024-02-11", "2024-02-12"]
    night("2024-02-12 01:07")
    assert len(days(acme)) == 2


def test_members_and_guests_and_those_who_are_suspended(db: None) -> None:
    acme = founded("2024-02-10 09:00")
    ann = come(acme, "2024-02-10 10:00")
    bea = come(acme, "2024-02-10 10:00", "Bea")
    gus = guest(acme, "2024-02-10 11:00", ann, "2024-03-01 00:00")
    come(acme, "2024-02-10 11:00", "Pia", status=MembershipStatus.PENDING)
    with at("2024-02-11 12:00", acme):
        suspend_membership(membership_id=bea.id, reason="Leave.")
        suspend_membership(membership_id=gus.id, reason="Leave.")
    with at("2024-02-12 12:00", acme):
        activate_membership(membership_id=bea.id)
        end_membership(membership_id=gus.id, reason="Done.")
    night("2024-02-13 00:07")
    assert counted(acme, "2024-02-11") == {"member": 2, "guest": 1}
    assert counted(acme, "2024-02-12") == {
        "member": 1,
        "suspended_member": 1,
        "suspended_guest": 1,
    }
    assert counted(acme, "2024-02-13") == {"member": 2}


def test_the_very_moment_counts(db: None) -> None:
    acme = founded("2024-02-10 09:00")
    ann, bea = come(acme, "2024-02-10 23:00"), come(acme, "2024-02-10 23:00", "Bea")
    cid = come(acme, "2024-02-10 23:00", "Cid")
    with at("2024-02-11 23:00", acme):
        end_membership(membership_id=bea.id, reason="Left.")
    moments = {
        (ann.id, "active"): "2024-02-11 00:00:00",
        (bea.id, "ended"): "2024-02-12 00:00:00",
        (cid.id, "active"): "2024-02-12 00:00:00.000001",
    }
    with cast.inside(acme):
        for (membership_id, status), moment in moments.items():
            changes = MembershipChange.objects.filter(membership=membership_id, status=status)
            assert changes.update(at=utc(moment)) == 1
    night("2024-02-12 00:07")
    assert counted(acme, "2024-02-11") == {"member": 2}
    assert counted(acme, "2024-02-12") == {"member": 1}


def test_a_person_in_two_periods_on_a_day_is_one_seat(db: None) -> None:
    acme = founded("2024-02-10 09:00")
    ann = come(acme, "2024-02-10 10:00")
    with at("2024-02-11 09:00", acme):
        end_membership(membership_id=ann.id, reason="Left.")
    come(acme, "2024-02-11 15:00", account=ann.account)
    night("2024-02-12 00:07")
    assert counted(acme, "2024-02-11") == counted(acme, "2024-02-12") == {"member": 1}


def test_who_comes_and_goes_between_two_midnights_is_no_seat(db: None) -> None:
    acme = founded("2024-02-10 09:00")
    ann = come(acme, "2024-02-11 08:00")
    with at("2024-02-11 18:00", acme):
        end_membership(membership_id=ann.id, reason="A day's work.")
    night("2024-02-13 00:07")
    assert counted(acme, "2024-02-11") == counted(acme, "2024-02-12") == {}


def test_a_guest_who_becomes_a_member_is_a_guest_until_then(db: None) -> None:
    acme = founded("2024-02-10 09:00")
    ann = come(acme, "2024-02-10 10:00")
    gus = guest(acme, "2024-02-10 10:00", ann, "2024-03-01 00:00")
    with at("2024-02-11 12:00", acme):
        end_membership(membership_id=gus.id, reason="Is employed.")
    come(acme, "2024-02-11 12:00", "Gus", account=gus.account)
    night("2024-02-12 00:07")
    assert counted(acme, "2024-02-11") == {"member": 1, "guest": 1}
    assert counted(acme, "2024-02-12") == {"member": 2}


def test_an_end_at_midnight_has_come_though_no_sweep_was_there(db: None) -> None:
    acme = founded("2024-02-10 09:00")
    ann = come(acme, "2024-02-10 10:00")
    guest(acme, "2024-02-10 10:00", ann, "2024-02-12 00:00")
    night("2024-02-12 00:00")
    assert counted(acme, "2024-02-11") == {"member": 1, "guest": 1}
    assert counted(acme, "2024-02-12") == {"member": 1}


def test_an_end_that_has_come_is_not_moved_out_of_a_night_that_was_counted(db: None) -> None:
    acme = founded("2024-02-10 09:00")
    ann = come(acme, "2024-02-10 10:00")
    gus = guest(acme, "2024-02-10 10:00", ann, "2024-02-11 18:00")
    night("2024-02-12 00:00")
    assert counted(acme, "2024-02-12") == {"member": 1}
    with at("2024-02-12 09:00", acme), pytest.raises(MembershipTransition):
        change_end(membership_id=gus.id, ends_at=utc("2024-03-01 00:00"))
    with cast.inside(acme):
        assert seats_at(utc("2024-02-12 00:00"))[SeatKind.GUEST] == 0


def test_a_lost_week_is_counted_later_as_it_was(db: None) -> None:
    acme = founded("2024-02-10 09:00")
    come(acme, "2024-02-10 10:00")
    night("2024-02-11 00:07")
    # Nobody counts; people come and go.
    bea = come(acme, "2024-02-13 10:00", "Bea")
    with at("2024-02-15 12:00", acme):
        end_membership(membership_id=bea.id, reason="Left.")
    night("2024-02-18 14:07")
    week = [counted(acme, f"2024-02-{day}")["member"] for day in range(11, 19)]
    assert week == [1, 1, 1, 2, 2, 1, 1, 1]


def test_the_same_numbers_come_out_whenever_they_are_computed(db: None) -> None:
    acme = founded("2024-02-10 09:00")
    ann = come(acme, "2024-02-10 10:00")
    bea = come(acme, "2024-02-11 10:00", "Bea")
    guest(acme, "2024-02-12 10:00", ann, "2024-02-14 00:00")
    night("2024-02-15 00:07")
    with at("2024-05-01 12:00", acme):
        end_membership(membership_id=bea.id, reason="Left.")
    with at("2024-06-01 12:00", acme):
        for row in SeatCount.objects.all():
            assert seats_at(midnight(row.day))[SeatKind(row.kind)] == row.seats, row.day
        assert SeatCount.objects.count() == 5 * 4


def test_clocks_that_are_put_forward_make_no_difference(db: None) -> None:
    """In Europe 31 March 2024 has 23 hours: the nights of UTC are a day apart all the same."""
    acme = founded("2024-03-29 09:00")
    come(acme, "2024-03-30 23:30")
    night("2024-04-01 00:07")
    assert days(acme) == ["2024-03-30", "2024-03-31", "2024-04-01"]
    assert [counted(acme, day) for day in days(acme)] == [{}, {"member": 1}, {"member": 1}]


def test_a_count_stays_as_it_was_made(db: None) -> None:
    acme = founded("2024-02-10 09:00")
    night("2024-02-11 00:07")
    with cast.inside(acme):
        for statement in (
            lambda: SeatCount.objects.update(seats=7),
            lambda: SeatCount.objects.all().delete(),
        ):
            with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
                statement()


def test_one_organisations_people_are_no_seats_of_another(db: None) -> None:
    acme, globex = founded("2024-02-10 09:00"), founded("2024-02-10 09:00", "Globex")
    come(acme, "2024-02-10 10:00")
    night("2024-02-11 00:07")
    assert (counted(acme, "2024-02-11"), counted(globex, "2024-02-11")) == ({"member": 1}, {})


def count_in(of: Organisation) -> None:
    """As a worker does, in a thread of its own."""
    try:
        with cast.inside(of):
            count_seats()
    finally:
        connection.close()


def test_workers_that_count_at_once_count_once(committed: None) -> None:
    acme = founded("2024-02-10 09:00")
    come(acme, "2024-02-10 10:00")
    with at("2024-03-02 00:07"):
        outcomes = at_once(*[partial(count_in, acme)] * 3)
    assert outcomes == [None, None, None]
    assert len(days(acme)) == 21
    assert len(cast.events(acme, "billing.month_closed")) == 1


def test_what_is_not_committed_by_midnight_is_waited_for(committed: None) -> None:
    acme = founded("2024-02-10 09:00")
    ann = come(acme, "2024-02-10 10:00")
    with ThreadPoolExecutor(1) as thread:
        with at("2024-02-14 23:59", acme), transaction.atomic():
            end_membership(membership_id=ann.id, reason="Left.")
            with at("2024-02-15 00:01"):
                counting = thread.submit(count_in, acme)
                wait_until_somebody_waits(or_ended=counting.done)
        counting.result(timeout=60)
    assert counted(acme, "2024-02-14") == {"member": 1}
    assert counted(acme, "2024-02-15") == {}
