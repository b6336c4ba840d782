"""Delivery: nothing lost, the order kept, duplicates only by id, whatever a receiver does."""

from datetime import timedelta
from email.utils import format_datetime

import pytest

from audit.models import DestinationState, SiemDestination
from audit.registry import EventClass, Severity
from audit.services.siem import delivery
from audit.services.siem.leases import LEASE, LeaseLostError, take_lease
from audit.services.siem.troubles import FIRST_WAIT
from audit.services.siem.watching import record_canary
from audit.siem import http
from audit.siem.formats import Format
from audit.siem.sending import sender_to
from orgs.models import Membership, Organisation
from orgs.services.memberships import suspend_membership
from semafore.kernel import clock
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
from tests.audit.siem.receivers import Receiver, answers, takes
from tests.cast import inside


def test_everything_goes_out_in_the_order_of_the_log(acme: Organisation, splunk: Receiver) -> None:
    log_of_events(acme, 30)
    row = send(acme, sent_to(acme, splunk))

    assert received(splunk) == places(acme)
    assert row.cursor == len(places(acme))
    assert row.sent_events == len(places(acme))
    assert splunk.requests[0].headers["Authorization"] == "Splunk 0123-planted-token-4567"
    assert len({one.headers["Host"] for one in splunk.requests}) == 1


def test_ocsf_goes_as_an_array_with_its_own_header(acme: Organisation, splunk: Receiver) -> None:
    publish(acme)
    sent_to_it = sent_to(
        acme, splunk, format=Format.OCSF, header="X-Api-Key", secret="Key of theirs"
    )
    send(acme, sent_to_it)

    assert splunk.requests[0].body.startswith(b"[{")
    assert splunk.requests[0].headers["X-Api-Key"] == "Key of theirs"
    assert received(splunk) == places(acme)


def test_a_batch_has_at_most_a_thousand_events_and_512_kib(
    acme: Organisation, splunk: Receiver
) -> None:
    log_of_events(acme, 2500)
    send(acme, sent_to(acme, splunk))

    assert received(splunk) == places(acme)
    sizes = [(len(one.events), len(one.body)) for one in splunk.requests]
    assert all(events <= 1000 and size <= 512 * 1024 for events, size in sizes)
    assert len(sizes) >= 3


def test_the_size_of_a_batch_ends_it(
    acme: Organisation, splunk: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BATCH_BYTES", 2000)
    log_of_events(acme, 60)
    send(acme, sent_to(acme, splunk))

    assert received(splunk) == places(acme)
    assert all(len(one.body) <= 2000 for one in splunk.requests)


def test_another_organisations_events_go_nowhere(
    acme: Organisation, globex: Organisation, splunk: Receiver
) -> None:
    log_of_events(globex, 5)
    log_of_events(acme, 2)
    send(acme, sent_to(acme, splunk))

    assert len(splunk.received) == len(places(acme))


@pytest.mark.parametrize(
    "behaviour",
    [
        answers(500),
        answers(503, b"Sorry."),
        answers(429),
        answers(408),
        answers(200, b'{"text":"Server is busy","code":9}'),
        answers(200, b"<html>Sign in to the guest network</html>"),
        receivers.cuts_after_reading,
        receivers.cuts_in_the_answer,
    ],
)
def test_what_was_not_taken_is_sent_again(
    acme: Organisation, splunk: Receiver, behaviour: receivers.Behaviour
) -> None:
    log_of_events(acme, 3)
    splunk.behaviour = behaviour
    began = clock.now()
    row = send(acme, sent_to(acme, splunk))

    assert (row.cursor, row.state, row.failures) == (0, DestinationState.ACTIVE, 1)
    assert row.next_attempt_at - began >= FIRST_WAIT / 2
    # Half a minute before that: however slow this machine is, it has not come meanwhile.
    with clock.moved_by(row.next_attempt_at - clock.now() - timedelta(seconds=30)):
        assert not sends_now(acme, row), "it doesn't wait"
    splunk.behaviour = takes
    with clock.moved_by(timedelta(minutes=1)):
        row = send(acme, row)
    assert splunk.first_receipts == places(acme)
    assert (row.failures, row.failing_since) == (0, None)


def sends_now(of: Organisation, row: SiemDestination) -> bool:
    with inside(of):
        return take_lease(destination_id=row.id) is not None


@pytest.mark.parametrize("behaviour", [receivers.says_nothing, receivers.drips])
def test_who_is_slow_is_left_in_time(
    acme: Organisation,
    splunk: Receiver,
    behaviour: receivers.Behaviour,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "sender_to", lambda to: sender_to(to, seconds=0.5))
    publish(acme)
    splunk.behaviour = behaviour
    row = send(acme, sent_to(acme, splunk))

    assert (row.failures, row.reason) == (1, "No answer in time")


def test_an_endless_answer_is_read_to_its_bound(acme: Organisation, splunk: Receiver) -> None:
    publish(acme)
    splunk.behaviour = receivers.floods
    row = send(acme, sent_to(acme, splunk, format=Format.OCSF, header="Authorization"))

    assert row.cursor == len(places(acme))
    assert len(row.answers[0]["said"]) == 200
    assert http.MOST_READ == 64 * 1024


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [("120", 120, 120), ("86400", 3600, 3600), ("-5", 0, 5), ("soon", 0, 5), ("date", 599, 600)],
)
def test_retry_after_is_honoured_within_bounds(
    acme: Organisation, splunk: Receiver, asked: str, least: float, most: float
) -> None:
    publish(acme)
    began = clock.now()
    if asked == "date":
        asked = format_datetime(clock.now() + timedelta(minutes=10), usegmt=False)
    splunk.behaviour = answers(429, Retry_After=asked)
    row = send(acme, sent_to(acme, splunk))

    # When it was answered lies between the two, however long that took.
    assert (row.next_attempt_at - began).total_seconds() >= least
    assert (row.next_attempt_at - clock.now()).total_seconds() <= most


def test_waits_double_up_to_a_quarter_of_an_hour_and_vary(
    acme: Organisation, splunk: Receiver
) -> None:
    publish(acme)
    splunk.behaviour = answers(503)
    row = sent_to(acme, splunk)
    waits, ahead = [], timedelta()
    for _ in range(20):
        with clock.moved_by(ahead):
            began = clock.now()
            row = send(acme, row)
            # What it waits lies between the two, however long the attempt took.
            least, most = row.next_attempt_at - clock.now(), row.next_attempt_at - began
            waits.append((least.total_seconds(), most.total_seconds()))
        ahead += timedelta(hours=1)

    least_first, most_first = waits[0]
    assert most_first >= 2.5
    assert least_first <= 5
    longest = waits[-12:]
    assert all(most >= 450 and least <= 900 for least, most in longest)
    assert max(least for least, _ in longest) > min(most for _, most in longest), "no jitter"
    assert row.state == DestinationState.ACTIVE, "transport failure disables"


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (answers(401), "HTTP 401"),
        (answers(404), "HTTP 404"),
        (answers(403, b'{"text":"Invalid token","code":4}'), "The token is not valid"),
        (answers(400, b'{"text":"Incorrect index","code":7}'), "index does not exist"),
        (answers(302, Location="https://localhost/elsewhere"), "redirects"),
        (answers(308, Location="/collect/"), "redirects"),
    ],
)
def test_what_is_set_up_wrongly_stops(
    acme: Organisation,
    alice: Membership,
    splunk: Receiver,
    behaviour: receivers.Behaviour,
    words: str,
) -> None:
    publish(acme)
    splunk.behaviour = behaviour
    row = send(acme, sent_to(acme, splunk))

    assert row.state == DestinationState.MISCONFIGURED
    assert words in row.reason
    assert row.cursor == 0
    assert len(splunk.requests) == 1, "a redirect was followed"
    with clock.moved_by(timedelta(days=1)):
        assert not sends_now(acme, row)
    told = cast.events(acme, "siem.misconfigured")
    assert [one["data"]["reason"] for one in told] == [row.reason]


@pytest.mark.parametrize("status", [400, 413])
def test_the_one_bad_event_is_found_and_parks_the_destination(
    acme: Organisation, alice: Membership, splunk: Receiver, status: int
) -> None:
    log_of_events(acme, 100)
    splunk.behaviour = receivers.refuses_event(61, status)
    row = send(acme, sent_to(acme, splunk))

    assert received(splunk) == list(range(61)), "what is before it goes out once, what is after not"
    assert (row.state, row.cursor) == (DestinationState.PARKED, 61)
    assert len(splunk.requests) < 20, "not by trying each"


def test_a_filter_takes_classes_and_severities_and_always_the_canary(
    acme: Organisation, bob: Membership, splunk: Receiver
) -> None:
    with inside(acme):
        suspend_membership(membership_id=bob.id, reason="Leave.")
    publish(acme)
    row = sent_to(
        acme, splunk, classes=frozenset({EventClass.RETENTION}), least_severity=Severity.CRITICAL
    )
    with inside(acme):
        record_canary()
        record_canary()
    publish(acme)
    row = send(acme, row)

    assert len(splunk.received) == 1, "the canary, once an hour"
    assert row.cursor == len(places(acme)), "the place doesn't pass what it doesn't take"
    assert row.canary_at is not None


def test_two_senders_never_work_on_one_destination(acme: Organisation, splunk: Receiver) -> None:
    publish(acme)
    row = sent_to(acme, splunk)
    with inside(acme):
        held = take_lease(destination_id=row.id)
    assert held is not None
    send(acme, row)
    assert splunk.requests == []

    with clock.moved_by(LEASE + timedelta(seconds=1)):
        row = send(acme, row)
    assert received(splunk) == places(acme)
    assert row.lease is None


def test_who_lost_its_lease_moves_nothing(acme: Organisation, splunk: Receiver) -> None:
    log_of_events(acme, 3)
    row = sent_to(acme, splunk)

    def meanwhile(handler: receivers.Handler) -> None:
        overtaken.append(handler.asked)
        takes(handler)

    overtaken: list[receivers.Request] = []
    splunk.behaviour = meanwhile
    step = delivery._Run._step

    with inside(acme):
        lease = take_lease(destination_id=row.id)
        assert lease is not None
        SiemDestination.objects.filter(id=row.id).update(generation=2)
        with pytest.raises(LeaseLostError):
            step(delivery._Run(lease, 5), sender_to(delivery.receiver_of(lease)))
    assert overtaken == []
    assert reload(acme, row).cursor == 0
