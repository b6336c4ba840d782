"""Broadcasts and screenshot reports: the histories that an organisation keeps."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging.models import Broadcast, Outcome, ScreenshotReport
from orgs.models import Membership, Organisation, Role
from semafore.kernel import clock
from tests import cast
from tests.cast import Phone, inside
from tests.messaging import talk
from tests.messaging.pages import affairs
from tests.messaging.pages.affairs import ago, get

MOST_STATEMENTS = 20


def broadcast(of: Organisation, sender: Phone, **fields: Any) -> Broadcast:
    with inside(of):
        return Broadcast.objects.create(
            organisation_id=of.id,
            sender_id=sender.device.membership_id,
            sender_device=sender.device,
            **fields,
        )


@pytest.mark.parametrize("role", [Role.ADMIN, Role.AUDITOR])
def test_a_broadcast_tells_whom_it_reached(
    acme: Organisation,
    alice_phone: Phone,
    bob: Membership,
    bob_phone: Phone,
    role: Role,
) -> None:
    tablet, third = cast.phone(bob, name="Tablet"), cast.phone(bob, name="Third")
    one = broadcast(acme, alice_phone, finished_at=clock.now(), not_reached=2)
    affairs.message(acme, alice_phone.device, broadcast=one, to=(bob_phone.device,), envelopes=3)
    affairs.message(
        acme,
        alice_phone.device,
        broadcast=one,
        to=(tablet.device, third.device),
        outcome=Outcome.EXPIRED,
    )
    broadcast(acme, alice_phone, started_at=ago(days=1))

    answer = get(cast.member(acme, "Rita", role), acme, "broadcasts")

    assert [
        (row.parts, row.reached, row.delivered, row.waiting, row.expired, row.broadcast.not_reached)
        for row in answer.context["rows"]
    ] == [(2, 5, 1, 2, 2, 2), (0, 0, 0, 0, 0, None)]
    assert "status-finished" in answer.text
    assert "status-running" in answer.text


def test_a_screenshot_report_names_person_room_and_device(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone, alice_phone: Phone
) -> None:
    ward, pair = talk.group(acme, alice, bob), affairs.direct(acme, alice, bob)
    affairs.screenshot(acme, ward, bob_phone.device, reported_at=ago(days=1))
    affairs.screenshot(acme, pair, alice_phone.device)

    def found(**query: str) -> list[tuple[str, str]]:
        rows = get(alice, acme, "screenshots", **query).context["rows"]
        return [(report.membership.name, title) for report, title in rows]

    assert found() == [("Alice", "Alice and Bob"), ("Bob", "Ward 7")]
    assert found(text="bo") == [("Bob", "Ward 7")]
    assert found(room="ward") == [("Bob", "Ward 7")]
    assert found(text="al", room="ward") == []
    assert "Nothing matches" in get(alice, acme, "screenshots", text="zz").text


@pytest.mark.parametrize("page", ["broadcasts", "screenshots"])
def test_empty_lists_say_so_and_others_see_nothing(
    acme: Organisation,
    globex: Organisation,
    alice: Membership,
    charlie: Membership,
    page: str,
) -> None:
    phone = cast.phone(alice)
    broadcast(acme, phone)
    affairs.screenshot(acme, talk.group(acme, alice), phone.device)
    answer = get(charlie, globex, page)
    assert answer.context["rows"] == []
    assert "Nothing yet" in answer.text


def test_hundreds_cost_what_one_does(
    acme: Organisation, alice: Membership, alice_phone: Phone
) -> None:
    browser = cast.signed_in(alice)
    ward = talk.group(acme, alice)
    affairs.screenshot(acme, ward, alice_phone.device)
    broadcast(acme, alice_phone)

    def statements() -> list[int]:
        counts = []
        for page in ("broadcasts", "screenshots"):
            with CaptureQueriesContext(connection) as sent:
                assert get(browser, acme, page).status_code == 200
            counts.append(len(sent))
        return counts

    statements()
    few = statements()
    with inside(acme):
        Broadcast.objects.bulk_create(
            Broadcast(organisation_id=acme.id, sender=alice, sender_device=alice_phone.device)
            for _ in range(200)
        )
        report = ScreenshotReport.objects.get()
        ScreenshotReport.objects.bulk_create(
            ScreenshotReport(
                organisation_id=acme.id,
                room=ward,
                membership=alice,
                device=alice_phone.device,
                taken_at=report.taken_at,
                platform="ios",
                event_id=report.event_id,
            )
            for _ in range(200)
        )
    assert statements() == few
    assert max(few) <= MOST_STATEMENTS
