"""Screenshot reports: from people of the room, and they stay."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from keys.models import RevocationReason
from keys.services.revocation import revoke_device
from messaging.models import Room, RoomMembership, ScreenshotReport
from messaging.services.periods import end_period
from orgs.models import Membership, Organisation
from semafore.kernel import clock
from semafore.local.client.api import ApiProblem
from tests.cast import Phone, events, inside
from tests.messaging import talk


def body(room: Room | UUID, **changes: Any) -> dict[str, Any]:
    room_id = room.id if isinstance(room, Room) else room
    taken_at = clock.rfc3339(clock.now())
    return {"room_id": str(room_id), "taken_at": taken_at, "platform": "ios", **changes}


def report(by: Phone, sent: dict[str, Any], key: str | None = None) -> UUID:
    answer = by.api._send("POST", "screenshot-reports", sent, idempotency_key=key)
    return UUID(answer["id"])


def refused(by: Phone, sent: dict[str, Any]) -> ApiProblem:
    with pytest.raises(ApiProblem) as caught:
        report(by, sent)
    return caught.value


def ago(**how_long: float) -> str:
    return clock.rfc3339(clock.now() - timedelta(**how_long))


def test_a_report_is_kept_and_recorded(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    room = talk.group(acme, alice, bob)
    sent = body(room, taken_at=ago(hours=3))

    report_id = report(bob_phone, sent)

    (event,) = events(acme, "screenshot.reported")
    assert event["data"] == {
        "report_id": str(report_id),
        "taken_at": sent["taken_at"],
        "platform": "ios",
    }
    with inside(acme):
        row = ScreenshotReport.objects.get(id=report_id)
    assert (row.room_id, row.membership_id, row.device_id) == (room.id, bob.id, bob_phone.id)
    assert clock.rfc3339(row.taken_at) == sent["taken_at"]
    assert str(row.event_id) == event["id"]


def test_it_stays_when_device_and_person_are_gone(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    report_id = report(bob_phone, body(talk.group(acme, alice, bob)))

    with inside(acme):
        revoke_device(device_id=bob_phone.id, reason=RevocationReason.LOST)
        assert ScreenshotReport.objects.get().id == report_id


def test_a_retry_is_the_same_report(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    sent = body(talk.group(acme, alice, bob))

    assert report(bob_phone, sent, key="k") == report(bob_phone, sent, key="k")
    assert len(events(acme, "screenshot.reported")) == 1


def test_a_room_of_others_is_as_one_that_is_not_there(
    acme: Organisation, alice: Membership, bob_phone: Phone, charlie_phone: Phone
) -> None:
    room = talk.group(acme, alice)

    nowhere = refused(bob_phone, body(uuid4()))
    for asker in (bob_phone, charlie_phone):
        problem = refused(asker, body(room))
        assert (problem.status, problem.code) == (404, "not_found")
        assert {**problem.body, "request_id": ""} == {**nowhere.body, "request_id": ""}
    assert events(acme, "screenshot.reported") == []


def test_who_left_reports_what_was_taken_before_and_nothing_after(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    room = talk.group(acme, alice, bob)
    with inside(acme), clock.moved_by(timedelta(hours=-1)):
        periods = RoomMembership.objects.select_related("room", "membership")
        end_period(periods.get(membership=bob), reason="left")

    report(bob_phone, body(room, taken_at=ago(hours=2)))
    assert refused(bob_phone, body(room, taken_at=ago(minutes=30))).status == 404


@pytest.mark.parametrize(
    ("taken_at", "code"),
    [
        (timedelta(minutes=-6), "in_the_future"),
        (timedelta(days=30, minutes=1), "too_long_ago"),
        ("2026-11-21T09:30:00", "invalid"),
        ("2026-11-21", "invalid"),
        ("2026-02-30T09:30:00Z", "invalid"),
        ("0001-01-01T00:00:00+14:00", "overflow"),
        ("9999-12-31T23:59:59-14:00", "overflow"),
        (1_770_000_000, "invalid"),
    ],
)
def test_a_time_that_cannot_be_is_refused(
    acme: Organisation, alice: Membership, alice_phone: Phone, taken_at: Any, code: str
) -> None:
    if isinstance(taken_at, timedelta):
        taken_at = clock.rfc3339(clock.now() - taken_at)
    problem = refused(alice_phone, body(talk.group(acme, alice), taken_at=taken_at))

    assert problem.status == 422
    assert [(one["field"], one["code"]) for one in problem.body["errors"]] == [("taken_at", code)]


@pytest.mark.parametrize("within", [{"minutes": -4}, {"days": 29}])
def test_a_clock_may_be_a_little_fast_and_a_phone_long_away(
    acme: Organisation, alice: Membership, alice_phone: Phone, within: dict[str, float]
) -> None:
    report(alice_phone, body(talk.group(acme, alice), taken_at=ago(**within)))

    assert len(events(acme, "screenshot.reported")) == 1


@pytest.mark.parametrize("changes", [{"platform": "pigeon"}, {"content": "x"}, {"room_id": 7}])
def test_other_bodies_are_refused(
    acme: Organisation, alice: Membership, alice_phone: Phone, changes: dict[str, Any]
) -> None:
    problem = refused(alice_phone, body(talk.group(acme, alice), **changes))

    assert [one["field"] for one in problem.body["errors"]] == list(changes)
