"""What operators may do with a window, and what the clock does."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from orgs.errors import MaintenanceInvalid, MaintenanceNoticeTooShort, MaintenanceTransition
from orgs.models import (
    Account,
    MaintenanceKind,
    MaintenanceStatus,
    MaintenanceWindow,
    Organisation,
)
from orgs.services.maintenance import (
    NEVER_BEGUN,
    ON_ITS_WAY,
    announce_window,
    begin_window,
    cancel_window,
    change_window,
    end_window,
    hold_window,
)
from semafore.kernel import clock
from semafore.kernel.problems import NotFound
from tests.orgs.maintenance.windows import (
    NOTICE,
    SUMMARY,
    announced,
    as_operator,
    later,
    plan,
    sweep,
)
from tests.orgs.sign_in.people import platform_events

pytestmark = pytest.mark.usefixtures("acme")
MINUTE = timedelta(minutes=1)


def occasions(window: MaintenanceWindow) -> list[str]:
    return list(window.steps.order_by("id").values_list("occasion", flat=True))


def status(window: MaintenanceWindow) -> str:
    return MaintenanceWindow.objects.get(id=window.id).status.value


# Notice


def test_the_longest_notice_that_anybody_was_promised_counts(globex: Organisation) -> None:
    Organisation.objects.filter(id=globex.id).update(sla_notice_hours=240)
    on_its_way = ON_ITS_WAY.total_seconds() / 3600
    with as_operator():
        with pytest.raises(MaintenanceNoticeTooShort, match="up to 240 hours"):
            announce_window(plan=plan(hours=240))
        announce_window(plan=plan(hours=240 + on_its_way + 0.01))
    assert MaintenanceWindow.objects.count() == 1


def test_an_emergency_says_why_it_is_short() -> None:
    with as_operator():
        with pytest.raises(MaintenanceNoticeTooShort):
            announce_window(plan=plan(hours=1))
        window = announce_window(plan=plan(hours=1, emergency_reason="A disk fails."))
    (step,) = window.steps.all()
    assert (step.reason, window.emergency_reason) == ("A disk fails.", "A disk fails.")


@pytest.mark.parametrize(
    ("hours", "lasts", "words"),
    [
        (-1, 2, "The start lies in the past"),
        (100, 0, "after the start"),
        (100, -1, "after the start"),
        (-4, 3, "The end has to lie ahead"),
        (100, 24 * 7 + 1, "7 days at most"),
    ],
)
def test_a_window_that_cannot_be(hours: float, lasts: float, words: str) -> None:
    wanted = plan(hours=hours, lasts=lasts, emergency_reason="A disk fails.")
    with as_operator(), pytest.raises(MaintenanceInvalid, match=words):
        announce_window(plan=wanted)


def test_the_same_window_is_announced_once() -> None:
    """As when a form is sent twice; words apart it is another."""
    wanted = plan()
    with as_operator():
        window = announce_window(plan=wanted)
        with pytest.raises(MaintenanceInvalid, match="announced already"):
            announce_window(plan=wanted)
        announce_window(plan=replace(wanted, summary="And the network."))
        cancel_window(window_id=window.id, reason="No need.")
        announce_window(plan=wanted)


def test_an_announcement_is_the_operators_act_in_the_platforms_log() -> None:
    window = announced()
    (event,) = platform_events("maintenance.announced")
    assert event["data"] == {
        "kind": "closed",
        "starts_at": clock.rfc3339(window.starts_at),
        "ends_at": clock.rfc3339(window.ends_at),
        "summary": SUMMARY,
        "reason": "",
    }
    (step,) = window.steps.all()
    assert step.by_id == Account.objects.get(is_operator=True).id


# Changes


def test_what_only_takes_away_can_change_at_any_time() -> None:
    window = announced()
    with later(NOTICE + 7), as_operator():
        before = plan(hours=0)
        kept = replace(before, starts_at=window.starts_at, ends_at=window.ends_at)
        shorter = replace(kept, ends_at=window.ends_at - timedelta(hours=1))
        change_window(window_id=window.id, plan=shorter)
        milder = replace(shorter, kind=MaintenanceKind.UNINTERRUPTED)
        change_window(window_id=window.id, plan=milder)
        for worse in (
            replace(milder, kind=MaintenanceKind.CLOSED),
            replace(milder, starts_at=window.starts_at - MINUTE),
            replace(milder, ends_at=window.ends_at),
        ):
            with pytest.raises(MaintenanceNoticeTooShort):
                change_window(window_id=window.id, plan=worse)
            change_window(window_id=window.id, plan=replace(worse, emergency_reason="It grew."))
            change_window(window_id=window.id, plan=replace(milder, emergency_reason=""))
    assert occasions(window) == ["announced", "reminded", *["changed"] * 8]


def test_a_change_to_the_same_is_none() -> None:
    window = announced()
    same = plan(starts_at=window.starts_at, ends_at=window.ends_at)
    with as_operator():
        change_window(window_id=window.id, plan=same)
    assert occasions(window) == ["announced"]


def test_a_running_window_is_prolonged_with_a_reason_and_nothing_else_changes() -> None:
    window = announced()
    with later(NOTICE + 9), as_operator():
        same = plan(starts_at=window.starts_at, ends_at=window.ends_at)
        longer = replace(same, ends_at=window.ends_at + timedelta(hours=3))
        with pytest.raises(MaintenanceNoticeTooShort):
            change_window(window_id=window.id, plan=longer)
        change_window(window_id=window.id, plan=replace(longer, emergency_reason="Slow disks."))
        for other in (
            replace(longer, starts_at=window.starts_at + MINUTE, emergency_reason="x"),
            replace(longer, kind=MaintenanceKind.UNINTERRUPTED),
        ):
            with pytest.raises(MaintenanceInvalid, match="It has begun"):
                change_window(window_id=window.id, plan=other)
    with later(NOTICE + 12.5):
        assert status(window) == "running"
    with later(NOTICE + 13.5):
        assert status(window) == "ended"


# Seeing it through


def test_the_clock_begins_and_ends_it() -> None:
    window = announced()
    sweep()
    assert status(window) == "planned"
    with clock.moved_by(timedelta(hours=NOTICE + 9)):
        assert status(window) == "running", "before any sweep"
        sweep()
        sweep()
        assert status(window) == "running"
    with clock.moved_by(timedelta(hours=NOTICE + 11)):
        assert status(window) == "ended", "before any sweep"
        sweep()
        sweep()
    assert occasions(window) == ["announced", "began", "ended"]
    over = MaintenanceWindow.objects.get(id=window.id)
    assert (over.began_at, over.ended_at) == (over.starts_at, over.ends_at)


def test_a_worker_that_was_away_notes_both_at_once() -> None:
    window = announced()
    with later(NOTICE + 30):
        assert occasions(window) == ["announced", "began", "ended"]


def test_a_reminder_a_day_before_unless_they_heard_within_that_day() -> None:
    window, late = announced(), announced(hours=20, emergency_reason="A disk fails.")
    with later(NOTICE + 8 - 24.1):
        assert occasions(window) == ["announced"]
    with later(NOTICE + 8 - 23.9):
        sweep()
        assert occasions(window) == ["announced", "reminded"]
    assert occasions(late) == ["announced", "began", "ended"]


def test_a_window_that_is_held_back_begins_when_the_operator_says_so() -> None:
    window = announced()
    with later(NOTICE + 7), as_operator():
        hold_window(window_id=window.id, reason="The copy is not ready.")
        with pytest.raises(MaintenanceTransition):
            hold_window(window_id=window.id, reason="Again.")
    with later(NOTICE + 9), as_operator():
        assert status(window) == "held"
        begin_window(window_id=window.id)
        assert status(window) == "running"
    with later(NOTICE + 11):
        assert status(window) == "ended"
    assert occasions(window) == ["announced", "reminded", "held", "began", "ended"]


def test_a_window_that_is_held_back_to_its_end_is_cancelled() -> None:
    window = announced()
    with as_operator():
        hold_window(window_id=window.id, reason="The copy is not ready.")
    with clock.moved_by(timedelta(hours=NOTICE + 11)):
        assert status(window) == "cancelled", "before any sweep"
        sweep()
    assert occasions(window) == ["announced", "held", "cancelled"]
    assert window.steps.latest("id").reason == NEVER_BEGUN


def test_to_begin_early_takes_a_reason() -> None:
    window = announced()
    with as_operator():
        with pytest.raises(MaintenanceNoticeTooShort):
            begin_window(window_id=window.id)
        begin_window(window_id=window.id, emergency_reason="A disk fails.")
        assert status(window) == "running"
        end_window(window_id=window.id)
    assert status(window) == "ended"
    assert window.steps.latest("id").ends_at < window.ends_at


@pytest.mark.parametrize(("hours", "allowed"), [(0, "cancel"), (NOTICE + 9, "end")])
def test_before_it_begins_it_is_cancelled_and_then_ended(hours: float, allowed: str) -> None:
    window = announced()
    with clock.moved_by(timedelta(hours=hours)), as_operator():
        if allowed == "cancel":
            with pytest.raises(MaintenanceTransition, match="planned"):
                end_window(window_id=window.id)
            cancel_window(window_id=window.id, reason="No need.")
        else:
            with pytest.raises(MaintenanceTransition, match="running"):
                cancel_window(window_id=window.id, reason="No need.")
            end_window(window_id=window.id)
        assert status(window) in {MaintenanceStatus.CANCELLED, MaintenanceStatus.ENDED}
        with pytest.raises(MaintenanceTransition):
            cancel_window(window_id=window.id, reason="Again.")
        with pytest.raises(MaintenanceTransition):
            begin_window(window_id=window.id)
        with pytest.raises(MaintenanceTransition):
            change_window(window_id=window.id, plan=plan())


def test_a_window_that_there_is_not() -> None:
    with as_operator(), pytest.raises(NotFound):
        end_window(window_id=uuid4())
