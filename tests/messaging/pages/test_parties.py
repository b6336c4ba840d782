"""External parties: who of a company is here, and who answers for them."""

from uuid import uuid4

from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging.models import Room, RoomKind
from orgs.models import ExternalParty, Membership, MembershipKind, MembershipStatus, Organisation
from semafore.kernel import clock
from tests import cast
from tests.cast import Phone, inside
from tests.messaging.pages import affairs
from tests.messaging.pages.affairs import ago, get

MOST_STATEMENTS = 20


def test_the_list_counts_who_is_here_and_what_is_open(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    calder, tessel = affairs.party(acme), affairs.party(acme, "Tessel")
    grace = affairs.guest(acme, "Grace", bob, calder)
    gone = affairs.guest(acme, "Gone", bob, calder)
    room = affairs.external(acme, bob, grace, company=calder)
    over = affairs.external(acme, bob, grace, company=calder, name="Over")
    affairs.close(acme, over, alice)
    sent = affairs.message(acme, bob_phone.device, room=room, at=ago(days=2))
    affairs.message(acme, bob_phone.device, room=over, at=ago(days=3))
    with inside(acme):
        Membership.objects.filter(id=gone.id).update(status=MembershipStatus.ENDED)

    rows = get(alice, acme, "parties").context["rows"]

    assert [(row.party.name, row.guests, row.rooms, row.last_activity) for row in rows] == [
        ("Calder Medical", 1, 1, sent.accepted_at),
        ("Tessel", 0, 0, None),
    ]
    assert [row.party for row in get(alice, acme, "parties", text="te").context["rows"]] == [tessel]
    assert "Nothing matches" in get(alice, acme, "parties", text="zz").text


def test_a_party_page_names_people_rooms_and_sponsors(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    calder = affairs.party(acme)
    grace = affairs.guest(acme, "Grace", bob, calder)
    cast.phone(grace)
    gus = affairs.guest(acme, "Gus", alice, calder)
    affairs.external(acme, bob, grace, company=calder)
    with inside(acme):
        Membership.objects.filter(id=bob.id).update(status=MembershipStatus.SUSPENDED)

    answer = get(alice, acme, "party", calder.id)

    assert [(one.name, devices) for one, devices in answer.context["guests"]] == [
        ("Grace", 1),
        ("Gus", 0),
    ]
    assert [(one.person.name, one.guests) for one in answer.context["sponsors"]] == [
        ("Alice", 1),
        ("Bob", 1),
    ]
    assert [row.title for row in answer.context["rooms"]] == ["Scanner recall"]
    assert "status-suspended" in answer.text
    person = get(alice, acme, "member", gus.id)
    assert f"/parties/{calder.id}" in person.text


def test_an_empty_list_says_so_and_others_see_nothing(
    acme: Organisation, globex: Organisation, alice: Membership, charlie: Membership
) -> None:
    calder = affairs.party(acme)
    assert "Nothing yet" in get(charlie, globex, "parties").text
    assert get(charlie, globex, "party", calder.id).status_code == 404
    assert get(charlie, globex, "party", uuid4()).status_code == 404


def test_hundreds_cost_what_one_does(acme: Organisation, alice: Membership) -> None:
    browser = cast.signed_in(alice)
    calder = affairs.party(acme)
    affairs.external(acme, affairs.guest(acme, "Grace", alice, calder), company=calder)

    def statements() -> list[int]:
        counts = []
        for page in (("parties",), ("party", calder.id)):
            with CaptureQueriesContext(connection) as sent:
                assert get(browser, acme, *page).status_code == 200
            counts.append(len(sent))
        return counts

    statements()
    few = statements()
    crowd = cast.crowd(acme, 300)
    with inside(acme):
        ExternalParty.objects.bulk_create(
            ExternalParty(organisation_id=acme.id, name=f"Party {number}") for number in range(300)
        )
        Membership.objects.filter(id__in=[one.id for one in crowd]).update(
            kind=MembershipKind.GUEST, party=calder, sponsor=alice, ends_at=clock.now()
        )
        Room.objects.bulk_create(
            Room(
                organisation_id=acme.id,
                kind=RoomKind.EXTERNAL,
                party=calder,
                purpose="To talk.",
                closes_at=clock.now(),
            )
            for _ in range(300)
        )
    assert statements() == few
    assert max(few) <= MOST_STATEMENTS
