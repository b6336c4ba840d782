"""Destinations: what owners decide, what it leaves in the log, and what nobody ever sees again."""

import json
from datetime import timedelta
from typing import Any

import pytest

from audit import errors
from audit.models import DestinationState, Event, SiemDestination
from audit.registry import EventClass, Severity
from audit.selectors.siem import destinations, healths, in_trouble, place_at
from audit.services.recording import Ref
from audit.services.retention.holds import place_hold
from audit.services.siem import running
from audit.services.siem.destinations import (
    change_destination,
    create_destination,
    delete_destination,
)
from audit.services.siem.watching import record_canary, watch
from audit.siem.formats import Format
from orgs.models import Mail, Membership, Organisation
from orgs.services.memberships import end_membership
from semafore.kernel import clock
from semafore.kernel.actor import Actor, ActorKind, acting_as
from semafore.kernel.problems import NotFound
from tests import cast
from tests.audit.aged import DAY, days, fact_of_class, happened, swept
from tests.audit.published import publish
from tests.audit.siem import receivers
from tests.audit.siem.destinations import (
    TOKEN,
    log_of_events,
    places,
    received,
    reload,
    send,
    sent_to,
    setup,
)
from tests.audit.siem.receivers import Receiver
from tests.cast import inside

URL = "https://siem.example.org/collect/planted-path-secret"


def health_of(of: Organisation, row: SiemDestination) -> Any:
    with inside(of):
        ((_, health),) = healths(destinations().filter(id=row.id))
    return health


def acting(person: Membership) -> Actor:
    return Actor(kind=ActorKind.MEMBER, id=person.id, label=person.name, membership_id=person.id)


def test_secrets_stand_nowhere_in_clear(acme: Organisation, splunk: Receiver) -> None:
    publish(acme)
    splunk.behaviour = receivers.answers(403, f'{{"code":4,"you":"{TOKEN}"}}'.encode())
    row = send(acme, sent_to(acme, splunk))
    with inside(acme):
        change_destination(destination_id=row.id, setup=setup(URL), secret="another-planted-one")
        row = SiemDestination.objects.get(id=row.id)
        everything = [bytes(one.what or b"") + bytes(one.who or b"") for one in Event.objects.all()]

    assert row.sealed_secret is not None
    stored = repr(row.__dict__) + bytes(row.sealed_secret).decode()
    for secret in (TOKEN, "another-planted-one"):
        assert secret not in stored
        assert not any(secret.encode() in one for one in everything)
    assert not any(b"planted-path" in one for one in everything)
    assert "(hidden)" in row.answers[0]["said"]


@pytest.mark.parametrize(
    ("more", "secret"),
    [
        ({"address": "http://siem.example.org/"}, TOKEN),
        ({"address": "https://10.0.0.1/"}, TOKEN),
        ({"ca": "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----"}, TOKEN),
        ({}, "two words"),
        ({}, "line\r\nX-Other: 1"),
        ({"format": Format.OCSF, "header": "Authorization"}, "line\r\nX-Other: 1"),
        ({"format": Format.OCSF, "header": "Host"}, TOKEN),
        ({"format": Format.OCSF, "header": "X Y"}, TOKEN),
        ({"format": Format.OCSF, "header": ""}, TOKEN),
        ({"format": Format.SYSLOG, "address": "siem.example.org:6514"}, TOKEN),
        ({"format": Format.SYSLOG}, ""),
    ],
)
def test_what_cant_be_is_refused(acme: Organisation, more: dict[str, Any], secret: str) -> None:
    with inside(acme), pytest.raises(errors.SiemInvalid) as refused:
        create_destination(setup=setup(more.pop("address", URL), **more), secret=secret, cursor=0)
    assert secret not in str(refused.value.detail) or not secret


def test_a_private_key_that_was_pasted_is_not_kept(acme: Organisation) -> None:
    chain = receivers.authority().chain.decode()
    row = sent_to(acme, URL, ca=chain)

    assert "CERTIFICATE" in row.ca
    assert "PRIVATE" not in row.ca


def test_names_are_told_apart(acme: Organisation, globex: Organisation) -> None:
    sent_to(acme, URL)
    sent_to(globex, URL)
    with pytest.raises(errors.SiemNameTaken):
        sent_to(acme, URL)
    other = sent_to(acme, URL, name="Other")
    with inside(acme), pytest.raises(errors.SiemNameTaken):
        change_destination(destination_id=other.id, setup=setup(URL), secret=None)


@pytest.mark.parametrize(
    "more",
    [
        {"address": "https://evil.example.org/"},
        {"ca": ""},
        {"format": Format.OCSF, "header": "X-Key"},
    ],
)
def test_a_secret_goes_nowhere_else_than_where_it_was_given_for(
    acme: Organisation, alice: Membership, more: dict[str, Any]
) -> None:
    row = sent_to(acme, URL)
    changed = setup(more.pop("address", URL), **more)
    with inside(acme):
        with pytest.raises(errors.SiemInvalid):
            change_destination(destination_id=row.id, setup=changed, secret=None)
        assert reload(acme, row).address == URL
        with acting_as(acting(alice)):
            change_destination(destination_id=row.id, setup=changed, secret="given-again")
    assert reload(acme, row).set_up_by_id == alice.id


def test_each_act_is_an_event(acme: Organisation, alice: Membership) -> None:
    log_of_events(acme, 5)
    row = sent_to(acme, URL, cursor=4)
    with inside(acme), acting_as(acting(alice)):
        running.pause_destination(destination_id=row.id, reason="Maintenance.")
        running.resume_destination(destination_id=row.id)
        running.replay(destination_id=row.id, cursor=1, reason="Disk lost.")
        change_destination(
            destination_id=row.id,
            setup=setup(URL, classes=frozenset({EventClass.LOG}), least_severity=Severity.HIGH),
            secret=None,
        )
        delete_destination(destination_id=row.id, reason="New SIEM.")
        assert not SiemDestination.objects.exists()

    found = [one for one in cast.events(acme) if one["type"].startswith("siem.")]
    assert [one["type"] for one in found] == [
        "siem.created",
        "siem.paused",
        "siem.resumed",
        "siem.replayed",
        "siem.changed",
        "siem.deleted",
    ]
    assert found[0]["data"]["host"] == "siem.example.org:443"
    assert found[3]["data"] == {"cursor": 1, "previous_cursor": 4, "reason": "Disk lost."}
    assert found[4]["data"]["after"]["classes"] == [EventClass.LOG]
    assert not found[4]["data"]["secret_changed"]


def test_another_organisations_destination_is_not_found(
    acme: Organisation, globex: Organisation
) -> None:
    row = sent_to(acme, URL)
    with inside(globex):
        for act in (
            lambda: running.pause_destination(destination_id=row.id, reason="x"),
            lambda: running.resume_destination(destination_id=row.id),
            lambda: running.replay(destination_id=row.id, cursor=0, reason="x"),
            lambda: running.skip_event(destination_id=row.id, seq=0, reason="x"),
            lambda: change_destination(destination_id=row.id, setup=setup(URL), secret=None),
            lambda: delete_destination(destination_id=row.id, reason="x"),
        ):
            with pytest.raises(NotFound):
                act()


def test_a_pause_stops_a_sender_at_its_next_step(acme: Organisation, splunk: Receiver) -> None:
    log_of_events(acme, 5)
    row = sent_to(acme, splunk)

    def pauses(handler: receivers.Handler) -> None:
        receivers.takes(handler)

    with inside(acme):
        running.pause_destination(destination_id=row.id, reason="Maintenance.")
    splunk.behaviour = pauses
    assert send(acme, row).cursor == 0
    with inside(acme):
        running.resume_destination(destination_id=row.id)
    assert send(acme, row).cursor == len(places(acme))


def test_a_replay_sends_again_and_only_backwards(acme: Organisation, splunk: Receiver) -> None:
    log_of_events(acme, 10)
    row = send(acme, sent_to(acme, splunk))
    with inside(acme):
        with pytest.raises(errors.SiemInvalid):
            running.replay(destination_id=row.id, cursor=row.cursor + 1, reason="x")
        running.replay(destination_id=row.id, cursor=7, reason="Disk lost.")
    send(acme, row)

    assert received(splunk) == [*places(acme), *places(acme)[7:]]


def test_an_owner_skips_exactly_the_event_that_is_refused(
    acme: Organisation, alice: Membership, splunk: Receiver
) -> None:
    log_of_events(acme, 10)
    splunk.behaviour = receivers.refuses_event(6)
    row = send(acme, sent_to(acme, splunk))
    assert row.state == DestinationState.PARKED
    with inside(acme):
        with pytest.raises(errors.SiemState):
            running.skip_event(destination_id=row.id, seq=5, reason="x")
        running.skip_event(destination_id=row.id, seq=6, reason="Too long for them.")
        with pytest.raises(errors.SiemState):
            running.skip_event(destination_id=row.id, seq=7, reason="x")
    row = send(acme, row)

    assert received(splunk) == [seq for seq in places(acme) if seq != 6]
    parked, skipped = cast.events(acme, "siem.parked", "siem.skipped")
    assert parked["data"]["event_id"] == skipped["data"]["event_id"]
    assert cast.events(acme, "siem.recovered")


def test_what_examines_who_set_it_up_does_not_go_there(
    acme: Organisation, alice: Membership, bob: Membership, splunk: Receiver
) -> None:
    """Nor what examines an earlier membership of the same person."""
    former = cast.member(acme, "Alice the apprentice")
    with inside(acme):
        end_membership(membership_id=former.id, reason="A year abroad.")
        Membership.objects.filter(id=former.id).update(account=alice.account)
    with inside(acme), acting_as(acting(alice)):
        row = create_destination(setup=setup(splunk.url), secret=TOKEN, cursor=0)
    with inside(acme):
        for person in (alice, former, bob):
            place_hold(
                person=Ref("member", person.id, person.name),
                room=None,
                from_at=None,
                until_at=None,
                reason=f"Letter about {person.name}.",
                case_reference="",
            )
    publish(acme)
    send(acme, row)

    sent = json.dumps(splunk.received)
    assert "Letter about Bob." in sent
    assert "Letter about Alice" not in sent


def test_the_canary_carries_the_checkpoint_once_an_hour(
    acme: Organisation, globex: Organisation
) -> None:
    head = publish(acme)
    with inside(acme):
        record_canary()
    assert cast.events(acme, "siem.canary") == [], "there is no destination"
    row = sent_to(acme, URL)
    for minutes in (0, 5, 10, 50, 60, 65, 121):
        with clock.moved_by(timedelta(minutes=minutes)), inside(acme):
            record_canary()
    canaries = cast.events(acme, "siem.canary")
    assert len(canaries) == 3
    assert canaries[0]["data"]["note"] == head.note
    with inside(acme):
        running.pause_destination(destination_id=row.id, reason="x")
    with clock.moved_by(timedelta(days=1)), inside(acme):
        record_canary()
    assert len(cast.events(acme, "siem.canary")) == 3
    assert cast.events(globex, "siem.canary") == []


def test_sending_makes_no_event(acme: Organisation, splunk: Receiver) -> None:
    publish(acme)
    row = sent_to(acme, splunk)
    publish(acme)
    for _ in range(5):
        row = send(acme, row)
    assert cast.events(acme) == []


def test_health_is_judged_by_canary_and_lag(acme: Organisation, splunk: Receiver) -> None:
    publish(acme)
    row = sent_to(acme, splunk)
    assert health_of(acme, row).word == "new"
    with inside(acme):
        record_canary()
    publish(acme)
    assert health_of(acme, row).backlog == len(places(acme))
    row = send(acme, row)
    healthy = health_of(acme, row)
    assert (healthy.word, healthy.backlog, healthy.lag) == ("healthy", 0, timedelta())

    with clock.moved_by(timedelta(hours=3)):
        assert health_of(acme, row).word == "silent", "the last status was good"
        with inside(acme):
            assert in_trouble() == 1
    log_of_events(acme, 3)
    with clock.moved_by(timedelta(minutes=20)):
        behind = health_of(acme, row)
        assert behind.word == "behind"
        assert behind.finish_at is not None
        assert behind.lag >= timedelta(minutes=20)


def test_retention_is_warned_of_before_it_reaches_what_waits(
    acme: Organisation, alice: Membership
) -> None:
    log_of_events(acme, 3)
    row = sent_to(acme, URL)
    for age, told in ((300, 0), (359, 1), (360, 1)):
        with clock.moved_by(timedelta(days=age)), inside(acme):
            watch()
            assert (health_of(acme, row).retention_at is not None) == bool(told)
        assert len(cast.events(acme, "siem.retention_near")) == told
    with inside(acme):
        assert Mail.objects.filter(template="siem_trouble", to=alice.email).count() == 1


def test_what_retention_took_first_is_told_of_and_what_is_left_is_sent(
    acme: Organisation, splunk: Receiver
) -> None:
    publish(acme)
    days(acme, 30, 30, 30)
    facts = [fact_of_class(event_class) for event_class in (1, 5, 1, 4, 6)]
    first = len(places(acme))
    happened(acme, facts, ago=40 * DAY)
    swept(acme)
    log_of_events(acme, 4)
    gone = [first, first + 2, first + 4]
    row = send(acme, sent_to(acme, splunk))
    assert row.swept_count == len(gone)
    assert received(splunk) == places(acme)
    assert {first + 1, first + 3} <= set(received(splunk)), "what is left of others"
    with inside(acme):
        watch()
        watch()
    (told,) = cast.events(acme, "siem.overtaken")
    assert told["data"] == {"count": len(gone), "first": gone[0], "last": gone[-1]}


def test_a_moment_is_the_place_of_its_first_event(acme: Organisation) -> None:
    log_of_events(acme, 3)
    size = len(places(acme))
    with clock.moved_by(timedelta(days=1)):
        log_of_events(acme, 2)
    with inside(acme):
        assert place_at(clock.now() + timedelta(hours=1)) == size
        assert place_at(clock.now() - timedelta(days=1)) == 0
        assert place_at(clock.now() + timedelta(days=2)) == size + 2


def test_before_its_first_canary_nobody_says_that_it_came(
    acme: Organisation, splunk: Receiver
) -> None:
    publish(acme)
    row = send(acme, sent_to(acme, splunk))
    health = health_of(acme, row)

    assert health.word == "healthy"
    assert "has the last canary" not in health.sentence
