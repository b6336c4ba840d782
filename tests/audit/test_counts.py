"""Counts by actor, action and day: of the newest events alone, and right for these."""

from collections import Counter
from datetime import timedelta

import pytest

from audit.models import IndexedEvent
from audit.selectors import counts as module
from audit.selectors.counts import counts
from audit.selectors.events import EventFilter, events
from orgs.models import Membership, Organisation
from tests.audit.aged import DAY, fact_of_class, happened
from tests.audit.published import publish
from tests.audit.test_explorer_pages import ADMIN, DEVICE, NOON, OTHER, OWNER, PERSON, indexed, log
from tests.cast import inside

__all__ = ["log"]


@pytest.mark.parametrize("most", [10_000, 40])
@pytest.mark.parametrize(
    "chosen",
    [
        EventFilter(),
        EventFilter(actor=PERSON),
        EventFilter(about=DEVICE),
        EventFilter(outcome="denied"),
        EventFilter(from_at=NOON + timedelta(minutes=20), to_at=NOON + timedelta(minutes=90)),
        EventFilter(action="log.halted"),
    ],
    ids=lambda chosen: "+".join(chosen.given()) or "none",
)
def test_they_are_of_the_newest_that_fit(
    acme: Organisation,
    log: list[IndexedEvent],
    monkeypatch: pytest.MonkeyPatch,
    chosen: EventFilter,
    most: int,
) -> None:
    monkeypatch.setattr(module, "COUNTED", most)
    for reader in (OWNER, ADMIN):
        with inside(acme):
            every = list(events(reader, chosen).order_by("-seq"))
            by_action = counts(reader, chosen, by="action")
            by_actor = counts(reader, chosen, by="actor")
            by_day = counts(reader, chosen, by="day")
        newest = every[:most]
        for found in (by_action, by_actor, by_day):
            assert (found.seen, found.all) == (len(newest), len(every) <= most)
            assert sum(number for _, _, number in found.lines) == found.seen
        numbers = {key: number for key, _, number in by_action.lines}
        assert numbers == Counter(one.type for one in newest)
        actors = {key: number for key, _, number in by_actor.lines}
        assert actors == Counter(
            str(one.actor_member or one.actor_id or one.actor_kind) for one in newest
        )
        assert [number for _, _, number in by_action.lines] == sorted(
            numbers.values(), reverse=True
        )


def test_far_apart_in_a_long_log_they_are_all_found(acme: Organisation) -> None:
    places = [0, 5, 50_000, 3_000_000, 3_000_001, 90_000_000]
    with inside(acme):
        IndexedEvent.objects.bulk_create(
            indexed(acme, seq, "member.suspended", 1, at=NOON + number * DAY, target_id=OTHER)
            for number, seq in enumerate(places)
        )
        for chosen in (EventFilter(), EventFilter(target=OTHER)):
            found = counts(OWNER, chosen, by="day")
            assert [key for key, _, _ in found.lines] == [
                (NOON + number * DAY).date().isoformat() for number in range(5, -1, -1)
            ]
            assert (found.seen, found.all) == (6, True)


def test_actors_are_named_as_their_newest_event_names_them(
    acme: Organisation, bob: Membership
) -> None:
    publish(acme)
    happened(acme, [fact_of_class(1), fact_of_class(1)], ago=DAY, by=bob)
    with inside(acme):
        found = counts(OWNER, EventFilter(action="member.suspended"), by="actor")
    assert found.lines == [(str(bob.id), "Somebody", 2)]
