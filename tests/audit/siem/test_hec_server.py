"""Against a receiver that misbehaves by turns, dies, and comes back: the log arrives whole."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from random import Random

import pytest
from django.conf import settings

from audit.models import DestinationState
from audit.services.siem.watching import watch
from orgs.models import Mail, Membership, Organisation, Role
from semafore.kernel import clock
from semafore.local.servers import environment
from tests import cast
from tests.audit.published import publish
from tests.audit.siem import receivers
from tests.audit.siem.destinations import (
    log_of_events,
    places,
    received,
    reload,
    send,
    sent_to,
)
from tests.audit.siem.ports import held_port
from tests.audit.siem.receivers import Handler, Receiver, answers, event_id, receiver, takes
from tests.cast import inside
from tests.realtime.processes import database_url


def hangs_up_at_once(handler: Handler) -> None:
    receivers.hang_up(handler)


MISBEHAVIOUR = (
    *(takes, takes, takes, takes),
    *(answers(500), answers(503, Retry_After="7"), answers(429, Retry_After="3")),
    answers(200, b'{"text":"Server is busy","code":9}'),
    *(receivers.cuts_after_reading, receivers.cuts_in_the_answer, hangs_up_at_once),
    answers(413),
)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_it_does_by_turns_the_log_arrives_whole_and_in_order(
    acme: Organisation,
    alice: Membership,
    splunk: Receiver,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("audit.services.siem.delivery.BATCH_EVENTS", 16)
    chance = Random(seed)  # noqa: S311 - a test's own chance
    turns = 0

    def by_turns(handler: Handler) -> None:
        nonlocal turns
        turns += 1
        # A receiver that refuses single events for their size would be parked: another test.
        fitting = [one for one in MISBEHAVIOUR if one is not MISBEHAVIOUR[-1]]
        choice = chance.choice(MISBEHAVIOUR if len(handler.asked.events) > 1 else fitting)
        choice(handler)

    splunk.behaviour = by_turns
    row, ahead = sent_to(acme, splunk), timedelta()
    for _ in range(60):
        if chance.random() < 0.5:
            log_of_events(acme, chance.randint(1, 20))
        with clock.moved_by(ahead):
            row = send(acme, row)
        ahead += timedelta(minutes=16)
    splunk.behaviour = takes
    publish(acme)
    with clock.moved_by(ahead):
        row = send(acme, row)

    assert turns > 60
    assert splunk.first_receipts == places(acme), "lost, or out of order"
    assert len({event_id(one) for one in splunk.received}) == len(places(acme))
    assert len(received(splunk)) > len(places(acme)), "no duplicate at all: nothing went wrong"
    assert row.state == DestinationState.ACTIVE


def mails(of: Organisation) -> list[str]:
    with inside(of):
        return [
            f"{one.template} {one.to} {one.context['trouble']}"
            for one in Mail.objects.order_by("created_at")
            if one.template.startswith("siem")
        ]


@pytest.fixture
def port() -> Iterator[int]:
    with held_port() as held:
        yield held


def test_a_weekend_of_silence(
    acme: Organisation, alice: Membership, bob: Membership, inside_allowed: None, port: int
) -> None:
    cast.member(acme, "Adam", Role.ADMIN)
    log_of_events(acme, 5)
    with receiver(takes, port=port) as found:
        row = send(acme, sent_to(acme, found))
    assert row.cursor == len(places(acme))
    log_of_events(acme, 40)
    attempts, ahead = 0, timedelta()
    while ahead < timedelta(hours=60):
        with clock.moved_by(ahead):
            before = row.failed_attempts
            row = send(acme, row)
            attempts += row.failed_attempts - before
            with inside(acme):
                watch()
            wait = row.next_attempt_at - clock.now()
        assert wait <= timedelta(minutes=15)
        ahead += max(wait, timedelta(seconds=1))

    assert row.state == DestinationState.ACTIVE, "a transport failure disables"
    assert attempts > 60 * 4, "probed less than every 15 minutes"
    told = mails(acme)
    assert len(told) == 2, "at failure, and once more after a day"
    assert all(alice.email in one for one in told), "owners alone"
    assert "can't be reached" in told[0]
    assert "for a day" in told[1]
    with receiver(takes, port=port) as back, clock.moved_by(ahead):
        publish(acme)
        row = send(acme, row)
        assert back.first_receipts == places(acme)[-len(back.first_receipts) :]
        assert row.cursor == len(places(acme))
    assert mails(acme)[2].startswith("siem_recovered")
    types = [one["type"] for one in cast.events(acme) if one["type"].startswith("siem.")]
    assert types == ["siem.recovered"], "the others are in the log already"


def test_one_dead_destination_holds_up_no_other(
    acme: Organisation, alice: Membership, splunk: Receiver
) -> None:
    log_of_events(acme, 10)
    dead = sent_to(acme, "https://localhost:1/", name="Dead")
    alive = sent_to(acme, splunk, name="Alive")
    for _ in range(3):
        log_of_events(acme, 10)
        dead, alive = send(acme, dead), send(acme, alive)
        assert alive.cursor == len(places(acme))
    assert dead.cursor == 0
    assert splunk.first_receipts == places(acme)


@pytest.fixture
def dying(committed: None, inside_allowed: None) -> Organisation:
    return cast.organisation("Acme")


def test_a_sender_that_is_killed_while_a_batch_is_out(dying: Organisation) -> None:
    """At the worst moment: the receiver has the batch and the sender doesn't know."""
    log_of_events(dying, 50)
    with receiver(takes) as found:
        row = sent_to(dying, found)
        killed: list[Handler] = []

        def kills_the_sender(handler: Handler) -> None:
            handler.take()
            killed.append(handler)
            child.kill()

        found.behaviour = kills_the_sender
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.audit.siem.mortal_sender", str(dying.id), str(row.id)],
            env=environment(
                DATABASE_URL=database_url(),
                REDIS_URL=settings.REDIS_URL,
                SECRET_KEY=settings.SECRET_KEY,
                BASE_URL=settings.BASE_URL,
            ),
        )
        assert child.wait(120) == -9
        assert len(killed) == 1
        row = reload(dying, row)
        assert (row.cursor, row.failures) == (0, 0)
        assert row.lease is not None

        found.behaviour = takes
        assert send(dying, row).cursor == 0, "its lease is still good"
        with clock.moved_by(timedelta(seconds=91)):
            row = send(dying, row)
        assert row.cursor == len(places(dying))
        assert found.first_receipts == places(dying)
        assert len(received(found)) == len({event_id(one) for one in found.received}) * 2
