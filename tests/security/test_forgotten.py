"""After their time, no row tells who wrote to whom, nor who somebody was who has left."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from invitations.tasks.onboarding import drop_link_tokens
from keys import tasks as keys_tasks
from keys.models import RevocationReason, SignedPreKey
from keys.services.revocation import revoke_device
from messaging.models import Envelope, Message, Room
from messaging.services.ends import close_due_rooms
from messaging.services.expiry import expire_envelopes
from orgs.models import Membership, MembershipStatus, Organisation
from orgs.services.accounts import create_account
from orgs.services.mail import drop_mail
from orgs.services.memberships import admit_member, end_membership
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tasks import drop_idempotent_answers
from tests import cast
from tests.cast import Phone, inside
from tests.messaging import externals, post, talk
from tests.messaging.test_broadcasts import finish, part, start
from tests.retention import LATER, counted, taken
from tests.test_no_secrets import as_bytes

DAN, GUS = "Danilo Wandersmann", "Gustava Durchreise"
NUMBER = "+447700900776"
EVENTS = {"audit_event", "audit_event_index", "audit_platformevent"}
"""Retention of audit's own (tests/audit)."""

ADMINISTRATION = {
    "invitations_invitation": "who invited or sponsored whom",
    "keys_device": "who approved whose device",
    "messaging_room": "which two a direct room is of; who opened and closed a room",
    "messaging_roommembership": "who added and removed whom",
    "orgs_membership": "who sponsored whom",
    "orgs_membershipchange": "who let in and ended whom",
}
"""Ids that stay side by side (audit-log.md, Retention): of membership, of no message."""


@pytest.fixture(autouse=True)
def unthrottled(settings: Settings, tmp_path: Path) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 1_000_000
    settings.SMS_FILE = str(tmp_path / "sms.jsonl")


@dataclass
class Story:
    """Two organisations in which people wrote, and some of them left."""

    acme: Organisation
    globex: Organisation
    alice: Phone
    bob: Phone
    ward: Room
    people: list[Phone] = field(default_factory=list)
    left: list[Membership] = field(default_factory=list)
    messages: set[UUID] = field(default_factory=set)


def fetch(phone: Phone) -> None:
    """Whatever waits for it, read."""
    with inside(phone.device.membership.organisation):
        rows = Envelope.objects.filter(device_id=phone.id)
        ids = list(rows.values_list("envelope_id", flat=True))
    post.acknowledged(phone, ids)


def write(story: Story, sender: Phone, room: Room, *to: Phone) -> None:
    post.say(sender, room, to, b"x" * 60)
    for one in to:
        fetch(one)


def person(of: Organisation, name: str) -> Membership:
    """Somebody whose name, number and address can't be mistaken for chance."""
    email = f"{name.lower().replace(' ', '.')}@somewhere.example"
    with inside(of):
        account = create_account(phone=NUMBER, email=email)
        return admit_member(
            account=account, name=name, phone=NUMBER, email=email, status=MembershipStatus.ACTIVE
        )


def live(acme: Organisation, globex: Organisation, alice: Phone, bob: Phone) -> Story:
    ward = talk.group(acme, alice.device.membership, bob.device.membership)
    story = Story(acme, globex, alice, bob, ward, people=[alice, bob])
    _talk_of_members(story)
    _visit_of_a_guest(story)
    _the_same_person_elsewhere(story)
    for of in (acme, globex):
        with inside(of):
            for row in Message.objects.all():
                story.messages |= {row.id, row.message_id}
    assert len(story.messages) >= 2 * 7
    return story


def _talk_of_members(story: Story) -> None:
    alice, bob = story.alice, story.bob
    dan = person(story.acme, DAN)
    dans, laptop = cast.phone(dan), cast.phone(dan, name="Dans Klapprechner")
    story.people += [dans, laptop]
    story.left.append(dan)
    room = talk.group(story.acme, dan, alice.device.membership)
    direct = UUID(
        alice.api._send("POST", "rooms", {"kind": "direct", "members": [str(dan.id)]})["id"]
    )
    alice.api.claim(dans.id)
    write(story, alice, story.ward, bob)
    write(story, dans, room, alice, laptop)
    with inside(story.acme):
        write(story, alice, Room.objects.get(id=direct), dans, laptop)
    story.people.append(tablet := cast.phone(bob.device.membership, name="Tablet"))
    _leave_out(tablet)
    write(story, alice, story.ward, bob)
    broadcast = start(alice)
    part(alice, broadcast, talk.message([bob, dans, laptop]))
    finish(alice, broadcast)
    fetch(bob)
    post.say(alice, room, [dans, laptop], b"x" * 60)
    dans.api.change_phone("+447700900777")
    with inside(story.acme):
        revoke_device(device_id=laptop.id, reason=RevocationReason.LOST)
        end_membership(membership_id=dan.id, reason="")


def _leave_out(tablet: Phone) -> None:
    """Its signed pre-key has expired."""
    with inside(tablet.device.membership.organisation):
        keys = SignedPreKey.objects.filter(device_id=tablet.id)
        keys.update(uploaded_at=clock.now() - timedelta(days=9))


def _visit_of_a_guest(story: Story) -> None:
    alice, bob = story.alice, story.bob
    guest = externals.guest(GUS, externals.GUS, email="gustava@initech.example")
    room = externals.opened(bob.device.membership, alice.device.membership, guests=[guest])
    gus = externals.come(alice.device.membership, story.acme)
    story.people.append(gus)
    story.left.append(gus.device.membership)
    write(story, gus, room, bob)
    write(story, bob, room, gus)
    with inside(story.acme):
        end_membership(membership_id=gus.device.membership_id, reason="")


def _the_same_person_elsewhere(story: Story) -> None:
    charlie = cast.member(story.globex, "Charlie")
    (dan,) = (one for one in story.left if one.name == DAN)
    with inside(story.globex):
        again = admit_member(
            account=dan.account, name=DAN, phone=dan.phone, status=MembershipStatus.ACTIVE
        )
    there = (cast.phone(charlie), cast.phone(again))
    story.people += there
    story.left.append(again)
    write(story, there[0], talk.group(story.globex, charlie, again), there[1])
    with inside(story.globex):
        end_membership(membership_id=again.id, reason="")


def forget(story: Story) -> None:
    """All that time does: every sweep there is, in both organisations."""
    for of in (story.acme, story.globex):
        with inside(of):
            expire_envelopes()
            close_due_rooms()
        taken(of)
        assert counted(of) == {}
    for task in (drop_idempotent_answers, drop_link_tokens, keys_tasks.drop_claims):
        task()
    with acting_as(SYSTEM):
        drop_mail()


def rows() -> Iterator[tuple[str, bytes]]:
    """Every row of every table but the events', as bytes."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table not in EVENTS:
                cursor.execute(f'SELECT * FROM "{table}"')
                for row in cursor.fetchall():
                    yield table, b"\0".join(as_bytes(value) for value in row)


def spellings(*ids: UUID) -> set[bytes]:
    return {form for one in ids for form in (str(one).encode(), one.hex.encode(), one.bytes)}


def test_no_row_tells_who_wrote_to_whom(
    acme: Organisation, globex: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    story = live(acme, globex, alice_phone, bob_phone)
    who = {one.device.membership_id: spellings(one.device.membership_id) for one in story.people}
    for one in story.people:
        who[one.device.membership_id] |= spellings(one.id)

    def told() -> set[tuple[str, str]]:
        found = set()
        for table, row in rows():
            if any(form in row for form in spellings(*story.messages)):
                found.add((table, "a message"))
            parties = [person for person, forms in who.items() if any(f in row for f in forms)]
            if len(parties) > 1 and table not in ADMINISTRATION:
                found.add((table, "two people"))
        return found

    before = told()
    assert before >= {
        ("messaging_message", "a message"),
        ("messaging_delivery", "a message"),
        ("keys_claim", "two people"),
        ("messaging_skip", "two people"),
    }
    with clock.moved_by(LATER):
        forget(story)
        assert told() == set()


def test_no_row_tells_who_somebody_was(
    acme: Organisation, globex: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    story = live(acme, globex, alice_phone, bob_phone)
    gus = story.left[1]
    needles = {DAN, GUS, gus.phone, "gustava@initech.example", "+447700900777"}
    needles |= {value for one in story.left for value in (one.phone, one.email) if value}
    needles.add("Dans Klapprechner")

    def found() -> set[str]:
        return {
            f"{table}: {needle}"
            for table, row in rows()
            for needle in needles
            if needle.encode() in row
        }

    assert {one.split(": ")[1] for one in found()} == needles
    with clock.moved_by(LATER):
        forget(story)
        assert found() == set()


def test_those_who_stay_go_on(
    acme: Organisation, globex: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    story = live(acme, globex, alice_phone, bob_phone)
    with clock.moved_by(LATER):
        forget(story)
        for phone in (alice_phone, bob_phone):
            phone.api.rotate(phone.keys.rotate_signed_pre_key().to_public_json())
        alice_phone.api.claim(bob_phone.id)
        write(story, alice_phone, story.ward, bob_phone)
        with inside(acme):
            assert Message.objects.count() == 1
        listed = alice_phone.api._send("GET", "members")
        assert {one["name"] for one in listed["results"]} == {"Alice", "Bob"}


def test_pages_say_of_forgotten_names_that_they_are(
    acme: Organisation, globex: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    story = live(acme, globex, alice_phone, bob_phone)
    dan = story.left[0]
    with clock.moved_by(LATER):
        forget(story)
        browser = cast.signed_in(alice_phone.device.membership)
        seen = dict(pages(browser, f"/console/{acme.slug}/"))
        assert f"/console/{acme.slug}/members/{dan.id}" in seen
        assert len(seen) > 20
        for address, text in seen.items():
            assert not re.search(r"<(a|h1|th)\b[^>]*>\s*</\1>", text), f"something empty: {address}"
            assert DAN not in text, address
        assert "Name forgotten" in seen[f"/console/{acme.slug}/members/{dan.id}"]
        found = browser.get(f"/console/{acme.slug}/search", {"q": "Name forgotten"})
        assert str(dan.id) not in found.content.decode()


def pages(browser: Client, start: str) -> Iterator[tuple[str, str]]:
    """Every page of the console that links lead to, once."""
    ahead, known = deque([start]), {start}
    while ahead:
        address = ahead.popleft()
        answer = browser.get(address)
        assert answer.status_code < 500, address
        if answer.status_code != 200 or "html" not in answer["Content-Type"]:
            continue
        text = answer.content.decode()
        yield address, text
        for link in re.findall(r'href="(/console/[^"#?]*)', text):
            if link.startswith(start) and link not in known:
                known.add(link)
                ahead.append(link)
