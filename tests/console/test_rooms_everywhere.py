"""What the pages that span apps say of rooms: overview, search, a person, a leaver."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from messaging.models import RoomMembership
from orgs.models import Membership, MembershipStatus, Organisation, Role
from semafore.kernel import clock
from tests import cast
from tests.cast import Phone, inside
from tests.messaging import talk
from tests.messaging.pages import affairs
from tests.messaging.pages.affairs import ago, get
from tests.moments import HOUR, beginning

MOST_STATEMENTS = 20


def decisions(answer: Any) -> dict[str, int]:
    return {one.url.split("/")[3]: one.count for one in answer.context["decisions"]}


# Overview


def test_rooms_are_counted_and_ends_and_guests_want_a_decision(
    acme: Organisation,
    globex: Organisation,
    alice: Membership,
    bob: Membership,
    charlie: Membership,
) -> None:
    calder = affairs.party(acme)
    grace = affairs.guest(acme, "Grace", bob, calder)
    talk.group(acme, alice, bob)
    end = clock.now() + timedelta(days=6)
    affairs.external(acme, alice, grace, company=calder, closes_at=end)
    affairs.external(acme, alice, company=calder)
    affairs.close(acme, affairs.external(acme, alice, company=calder), alice)
    answer = get(alice, acme, "overview")
    assert decisions(answer) == {"rooms?kind=external&ends_within=7": 1}
    assert (answer.context["state"].rooms, answer.context["state"].external_rooms) == (3, 2)

    with inside(acme):
        Membership.objects.filter(id=bob.id).update(status=MembershipStatus.SUSPENDED)
    answer = get(alice, acme, "overview")
    assert list(decisions(answer).values()) == [1, 1]
    assert "nobody answers for them" in answer.text
    assert decisions(get(cast.member(acme, "Odo", Role.AUDITOR), acme, "overview")) == {}

    other = get(charlie, globex, "overview").context["state"]
    assert (other.rooms, other.ending_rooms, other.sponsorless_guests) == (0, 0, 0)


def test_a_sponsor_past_their_end_is_none(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    affairs.guest(acme, "Grace", bob, affairs.party(acme))
    assert get(alice, acme, "overview").context["state"].sponsorless_guests == 0
    with inside(acme):
        Membership.objects.filter(id=bob.id).update(ends_at=ago(seconds=1))
    assert get(alice, acme, "overview").context["state"].sponsorless_guests == 1


def test_messages_a_day_are_counted_by_the_days_of_utc(
    acme: Organisation, globex: Organisation, alice: Membership, alice_phone: Phone
) -> None:
    room = talk.group(acme, alice)
    # The day doesn't end on the way.
    with beginning(HOUR):
        midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        for at in (
            midnight,
            midnight - timedelta(milliseconds=1),
            midnight - timedelta(days=1),
            midnight - timedelta(days=13),
            midnight - timedelta(days=13, milliseconds=1),
        ):
            affairs.message(acme, alice_phone.device, room=room, at=at)
        answer = get(alice, acme, "overview")

    line = answer.context["state"].messages
    assert [day.messages for day in line.days] == [1, *[0] * 11, 2, 1]
    assert (line.days[-1].date, line.today, line.most) == (midnight.date(), 1, 2)
    assert line.path.startswith("M0.0 20.0L10.8 38.0")
    assert line.path.endswith("L140.0 20.0")
    assert "1 today so far; at most 2 a day in the last 14 days" in answer.text
    quiet = get(cast.member(globex, "Cora", Role.OWNER), globex, "overview")
    assert quiet.context["state"].messages.most == 0


# Search


def found(person: Membership, of: Organisation, words: UUID | str) -> list[str]:
    answer = get(person, of, "search", q=str(words))
    findings = answer.context["found"]
    return [
        *[title for _, title in findings.rooms],
        *[one.kind for one in findings.requests],
        *[f"message {one.envelopes}" for one in findings.messages],
    ]


def test_search_finds_rooms_requests_and_messages(
    acme: Organisation,
    globex: Organisation,
    alice: Membership,
    bob: Membership,
    charlie: Membership,
) -> None:
    calder = affairs.party(acme)
    recall, pair = (
        affairs.external(acme, bob, company=calder),
        affairs.direct(acme, alice, bob),
    )
    asked = affairs.request(acme, recall, bob)
    sent = affairs.message(acme, cast.phone(alice).device, room=pair, envelopes=4)
    admin = cast.member(acme, "Adam", Role.ADMIN)

    assert found(alice, acme, "recall") == ["Scanner recall"]
    assert found(alice, acme, "scan") == ["Scanner recall"]
    assert found(alice, acme, "canner") == []
    assert found(alice, acme, pair.id) == ["Alice and Bob"]
    assert found(alice, acme, asked.id) == ["extension"]
    assert found(alice, acme, sent.message_id) == ["message 4"]
    assert found(admin, acme, sent.message_id) == []
    for one in (recall.id, asked.id, sent.message_id, uuid4()):
        assert found(charlie, globex, one) == []
        assert "Nothing matches" in get(charlie, globex, "search", q=str(one)).text


# A person


def test_a_person_shows_the_rooms_they_are_and_were_in(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    talk.group(acme, alice, bob)
    affairs.direct(acme, alice, bob)
    left = talk.group(acme, alice, bob, name="Ward 9")
    with inside(acme):
        RoomMembership.objects.filter(room=left, membership=bob).update(
            ended_at=clock.now(), ended_by=alice, end_reason="Moved."
        )
    answer = get(alice, acme, "member", bob.id)

    assert {title for _, title in answer.context["open_rooms"]} == {"Ward 7", "Alice and Bob"}
    assert [title for _, title in answer.context["former_rooms"]] == ["Ward 9"]
    assert "Moved." in answer.text
    assert "In no room" in get(alice, acme, "member", cast.member(acme, "Dana").id).text


def leaver(person: Membership) -> str:
    slug = person.organisation.slug
    return reverse("playbook_leaver", args=[slug], query={"person": person.id})


def test_a_leaver_hands_over_the_rooms_that_they_administer(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    talk.group(acme, alice, bob, name="Ward 9")
    assert "Nothing is left to hand over" in cast.signed_in(alice).get(leaver(bob)).text
    talk.group(acme, bob, alice, name="Ward 8")
    answer = cast.signed_in(alice).get(leaver(bob))
    assert [title for _, title in answer.context["handover"].rooms] == ["Ward 8"]
    assert "Ward 8" in answer.text


def test_hundreds_of_rooms_cost_what_one_does(
    acme: Organisation, alice: Membership, alice_phone: Phone, bob: Membership
) -> None:
    browser = cast.signed_in(alice)

    def statements() -> list[int]:
        counts = []
        for address in (
            reverse("overview", args=[acme.slug]),
            reverse("member", args=[acme.slug, bob.id]),
            leaver(bob),
        ):
            with CaptureQueriesContext(connection) as sent:
                assert browser.get(address).status_code == 200
            counts.append(len(sent))
        return counts

    affairs.direct(acme, bob, cast.member(acme, "Zoe"))
    talk.group(acme, bob, alice)
    affairs.message(acme, alice_phone.device, room=talk.group(acme, alice))
    statements()
    few = statements()
    for person in cast.crowd(acme, 60):
        affairs.direct(acme, bob, person)
    for number in range(60):
        talk.group(acme, bob, name=f"Room {number}")
    many = statements()
    assert all(now <= before for now, before in zip(many, few, strict=True))
    assert max(few) <= MOST_STATEMENTS
