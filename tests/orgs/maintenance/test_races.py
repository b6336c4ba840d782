"""Operators, the clock and workers at once: one of them is first, and the others are told."""

from collections import Counter
from functools import partial

import pytest

from orgs.errors import MaintenanceInvalid, MaintenanceTransition
from orgs.models import MaintenanceStep, MaintenanceWindow, Organisation
from orgs.services.maintenance import (
    announce_window,
    begin_window,
    cancel_window,
    carry_out_windows,
    end_window,
)
from orgs.tasks import tell_of_maintenance
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from tests import cast
from tests.at_once import at_once
from tests.orgs.maintenance.windows import NOTICE, announced, as_operator, later, plan
from tests.orgs.sign_in.people import platform_events


@pytest.fixture
def acme(committed: None) -> Organisation:
    """Committed: threads see it."""
    return cast.organisation("Acme")


def refused(outcomes: list[object]) -> list[bool]:
    """Which of them were; anything else that was raised fails the test."""
    for one in outcomes:
        if isinstance(one, Exception) and not isinstance(one, MaintenanceTransition):
            raise one
    return sorted(isinstance(one, MaintenanceTransition) for one in outcomes)


def occasions() -> list[str]:
    return list(MaintenanceStep.objects.order_by("id").values_list("occasion", flat=True))


def end(window: MaintenanceWindow) -> None:
    with acting_as(SYSTEM):
        end_window(window_id=window.id)


def cancel(window: MaintenanceWindow) -> None:
    with acting_as(SYSTEM):
        cancel_window(window_id=window.id, reason="No need.")


def begin(window: MaintenanceWindow) -> None:
    with acting_as(SYSTEM):
        begin_window(window_id=window.id, emergency_reason="A disk fails.")


def note() -> None:
    with acting_as(SYSTEM):
        carry_out_windows()


def test_a_form_that_is_sent_twice_announces_once(acme: Organisation) -> None:
    outcomes = at_once(*[partial(announce_window, plan=plan())] * 4)
    assert Counter(map(type, outcomes)) == {MaintenanceWindow: 1, MaintenanceInvalid: 3}
    assert occasions() == ["announced"]


def test_two_operators_end_it_at_once(acme: Organisation) -> None:
    window = announced()
    with later(NOTICE + 9):
        outcomes = at_once(lambda: end(window), lambda: end(window), note)
    assert refused(outcomes) == [False, False, True]
    assert occasions() == ["announced", "began", "ended"]
    assert len(platform_events("maintenance.ended")) == 1


def test_it_is_cancelled_as_somebody_begins_it(acme: Organisation) -> None:
    for _ in range(5):
        window = announced()
        assert refused(at_once(partial(cancel, window), partial(begin, window))) == [False, True]
        window.refresh_from_db()
        assert (window.cancelled_at is None) is not (window.began_at is None)
        if window.began_at:
            with as_operator():
                end_window(window_id=window.id)


def test_it_is_cancelled_as_the_clock_begins_it(acme: Organisation) -> None:
    window = announced()
    with clock.moved_by(window.starts_at - clock.now()):
        assert refused(at_once(lambda: cancel(window), note, note)) == [False, False, True]
    assert occasions() == ["announced", "began"]


def test_two_workers_tell_an_organisation_once(
    acme: Organisation, caplog: pytest.LogCaptureFixture
) -> None:
    cast.member(acme, "Alice")
    for _ in range(5):
        announced()
    at_once(tell_of_maintenance, tell_of_maintenance, tell_of_maintenance)
    assert len(cast.events(acme, "maintenance.announced")) == 5
    assert caplog.messages == [], "nobody ran into anybody"
