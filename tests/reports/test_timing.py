"""When messages were sent: by hour and weekday of a time zone, compared with a naive count."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from messaging.models import Broadcast, Room
from orgs.models import Membership, Organisation
from reports.questions import Kind, Question
from reports.selectors.timing import Timing, timing
from semafore.kernel import clock
from tests import cast
from tests.cast import inside
from tests.messaging import talk
from tests.messaging.pages import affairs
from tests.reports.said import acme_talks

MONDAY = datetime(2026, 3, 23, tzinfo=UTC)
"""In the week in which Berlin's clocks go forward, on Sunday the 29th."""
TIMES = (
    MONDAY + timedelta(hours=7, minutes=59, seconds=59),
    MONDAY + timedelta(hours=8),
    MONDAY + timedelta(hours=17, minutes=59),
    MONDAY + timedelta(hours=18),
    MONDAY + timedelta(days=4, hours=22, minutes=40),
    MONDAY + timedelta(days=6, minutes=59),
    MONDAY + timedelta(days=6, hours=1),
    MONDAY + timedelta(days=6, hours=23, minutes=50),
)


def timing_of(of: Organisation, **asked: Any) -> Timing:
    week = {"from_at": MONDAY, "to_at": MONDAY + timedelta(days=7)}
    with inside(of):
        return timing(Question(kind=Kind.TIMING, **{**week, **asked}))


@pytest.fixture
def week(acme: Organisation, alice: Membership, bob: Membership) -> Organisation:
    """A message of Alice's at each of the times; one of Bob's elsewhere."""
    alices, bobs = cast.phone(alice), cast.phone(bob)
    room, pair = talk.group(acme, alice, bob), affairs.direct(acme, alice, bob)
    for at in TIMES:
        affairs.message(acme, alices.device, room=room, to=(bobs.device,), at=at)
    affairs.message(acme, bobs.device, room=pair, at=MONDAY + timedelta(days=2, hours=12))
    affairs.message(acme, bobs.device, room=pair, at=MONDAY + timedelta(days=7))
    affairs.message(acme, bobs.device, room=pair, at=MONDAY - timedelta(microseconds=1))
    return acme


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"])
def test_hours_are_those_of_the_time_zone(week: Organisation, alice: Membership, zone: str) -> None:
    found = timing_of(week, person=alice.id, time_zone=zone)

    expected = [[0] * 24 for _ in range(7)]
    for at in TIMES:
        there = at.astimezone(ZoneInfo(zone))
        expected[there.weekday()][there.hour] += 1
    assert [list(day) for day in found.hours] == expected
    assert found.total == len(TIMES)


def test_out_of_hours_is_what_the_parameters_say(week: Organisation, alice: Membership) -> None:
    found = timing_of(week, person=alice.id)
    # 8:00 and 17:59 on Monday are within; all else is before, after, or at the weekend.
    assert (found.total, found.out_of_hours, found.share) == (8, 6, 0.75)
    long = timing_of(week, person=alice.id, work_from=7, work_until=23, work_days=(1, 2, 3, 4, 5))
    assert long.out_of_hours == 3
    assert timing_of(week, person=alice.id, work_days=()).share == 1


def test_it_is_about_a_person_a_room_or_all(
    week: Organisation, bob: Membership, alice: Membership
) -> None:
    assert timing_of(week).total == 9
    assert timing_of(week, person=bob.id).total == 1
    with inside(week):
        ward = Room.objects.get(kind="group")
    assert timing_of(week, room=ward.id).total == 8
    assert timing_of(week, room=ward.id, to_at=MONDAY + timedelta(days=1)).total == 4


def test_a_broadcast_in_parts_is_one_message(acme: Organisation, alice: Membership) -> None:
    alices = cast.phone(alice)
    with inside(acme):
        broadcast = Broadcast.objects.create(
            organisation_id=acme.id, sender=alice, sender_device=alices.device
        )
    for minute in (10, 20, 70):
        at = MONDAY + timedelta(hours=9, minutes=minute)
        affairs.message(acme, alices.device, broadcast=broadcast, at=at)
    found = timing_of(acme)
    assert (found.total, found.hours[0][9]) == (1, 1)


def test_it_counts_what_was_said(acme: Organisation, alice: Membership, bob: Membership) -> None:
    said = acme_talks(acme, alice, bob)
    period = {"from_at": affairs.ago(days=1), "to_at": clock.now() + timedelta(days=1)}
    assert timing_of(acme, **period).total == len(said.sent)
    by_bob = [one for one in said.sent if one.sender in said.phones["Bob"]]
    assert timing_of(acme, person=bob.id, **period).total == len(by_bob)


def test_nothing_said_has_no_share(acme: Organisation) -> None:
    assert timing_of(acme).share is None
