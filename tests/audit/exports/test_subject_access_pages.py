"""A subject access export, from the person's page to the file."""

import io
import json
import re
from typing import Any
from uuid import UUID, uuid4
from zipfile import ZipFile

import pytest
from django.test import Client
from django.urls import reverse

from audit.selectors.exports import exports
from audit.selectors.reading import Reader
from audit.services.retention.holds import place_hold
from orgs.models import Membership, Organisation, Role
from orgs.services.memberships import membership_ref
from tests import cast
from tests.audit.exports.acts import again, asked, reader, work
from tests.audit.published import publish
from tests.cast import inside

WHY = {"reason": "Request of 3 May", "case_reference": "SAR-7"}


def page(of: Organisation, name: str, *ids: UUID) -> str:
    return reverse(name, args=[of.slug, *ids])


def asked_for(browser: Client, person: Membership) -> UUID:
    """The export that the form leads to."""
    of = person.organisation
    answer = browser.post(page(of, "subject_access", person.id), WHY)
    assert answer.status_code == 302, answer.content.decode()
    (found,) = re.findall(r"exports/([0-9a-f-]{36})$", answer["Location"])
    return UUID(found)


def fetched(browser: Client, of: Organisation, export_id: UUID) -> ZipFile:
    answer: Any = browser.get(page(of, "export_file", export_id))
    assert answer.status_code == 200
    return ZipFile(io.BytesIO(b"".join(answer.streaming_content)))


def held(person: Membership) -> None:
    with inside(person.organisation):
        place_hold(
            person=membership_ref(person),
            room=None,
            from_at=None,
            until_at=None,
            reason="Whistle was blown",
            case_reference="HC-9",
        )


@pytest.fixture
def back(acme: Organisation, bob: Membership) -> Membership:
    """Bob left, and came back as an owner."""
    held(bob)
    return cast.again(bob, Role.OWNER)


def test_from_the_persons_page_to_the_file(
    acme: Organisation, erin: Membership, bob: Membership, back: Membership
) -> None:
    publish(acme)
    browser = cast.signed_in(erin)
    address = page(acme, "subject_access", back.id)
    assert address in browser.get(page(acme, "member", back.id)).content.decode()
    said = browser.get(address).content.decode()
    for words in ("All 2 of their memberships", "set-aside", "Other people are masked"):
        assert words in said

    export_id = asked_for(browser, back)
    assert work(acme) == 1
    shown = browser.get(page(acme, "export", export_id)).content.decode()
    for words in ("Done", "All that concerns Bob", "SAR-7", "rows"):
        assert words in shown
    found = fetched(browser, acme, export_id)

    assert found.testzip() is None
    assert len(json.loads(found.read("data/memberships.json"))["rows"]) == 2
    (hold,) = json.loads(found.read("set-aside/holds.json"))["rows"]
    assert hold["Reason"] == "Whistle was blown"
    heading = json.loads(found.read("manifest.json"))
    assert (heading["made_by"], heading["case_reference"]) == ("Erin", "SAR-7")
    events = cast.events(acme, "export.requested", "export.finished", "export.downloaded")
    assert [one["type"] for one in events] == [
        *("export.requested", "export.finished", "export.downloaded")
    ]


def test_the_person_learns_of_it_under_no_membership(
    acme: Organisation, erin: Membership, bob: Membership, back: Membership
) -> None:
    publish(acme)
    browser = cast.signed_in(erin)
    for person in (bob, back):
        export_id = asked_for(browser, person)
        work(acme)
        publish(acme)
        theirs = cast.signed_in(back)
        for name in ("export", "export_file", "export_manifest", "export_cancel"):
            assert theirs.get(page(acme, name, export_id)).status_code == 404
        assert str(export_id) not in theirs.get(page(acme, "exports")).content.decode()
        log = theirs.get(page(acme, "audit") + "?action=export.requested").content.decode()
        assert str(export_id) not in log


def test_whoever_makes_one_of_themselves_finds_nothing_set_aside(
    acme: Organisation, bob: Membership, back: Membership
) -> None:
    publish(acme)
    browser = cast.signed_in(back)
    for person in (back, bob):
        said = browser.get(page(acme, "subject_access", person.id)).content.decode()
        assert "It is about you" in said
        assert "set-aside" not in said
        export_id = asked_for(browser, person)
        work(acme)
        found = fetched(browser, acme, export_id)
        assert not [name for name in found.namelist() if name.startswith("set-aside")]
        assert b"histle" not in b"".join(map(found.read, found.namelist()))


def test_an_export_about_a_former_membership_is_not_there_for_the_person(
    acme: Organisation, erin: Membership, bob: Membership, back: Membership
) -> None:
    publish(acme)
    asked_for(cast.signed_in(erin), back)
    own = reader(back)
    with inside(acme):
        assert exports(own).count() == 0
        assert exports(Reader(own.permissions, uuid4(), frozenset({bob.id}))).count() == 0
        assert exports(reader(erin)).count() == 1


def test_what_was_asked_for_earlier_stays_ones_own(
    acme: Organisation, bob: Membership, alice: Membership
) -> None:
    publish(acme)
    with inside(acme):
        Membership.objects.filter(id=bob.id).update(role=Role.AUDITOR)
    bob.role = Role.AUDITOR
    made = asked(bob)
    work(acme)
    returned = cast.again(bob, Role.AUDITOR)
    assert again(made).reader_id == bob.id
    browser = cast.signed_in(returned)
    assert browser.get(page(acme, "export_file", made.id)).status_code == 200
    assert cast.signed_in(alice).get(page(acme, "export_file", made.id)).status_code == 403


@pytest.mark.parametrize("role", [Role.ADMIN, Role.HELPDESK])
def test_others_may_not(acme: Organisation, bob: Membership, role: Role) -> None:
    browser = cast.signed_in(cast.member(acme, "Adam", role))
    address = page(acme, "subject_access", bob.id)
    assert (browser.get(address).status_code, browser.post(address, WHY).status_code) == (403, 403)
    assert address not in browser.get(page(acme, "member", bob.id)).content.decode()


def test_somebody_of_another_organisation_is_not_found(
    acme: Organisation, erin: Membership, charlie: Membership
) -> None:
    publish(acme)
    browser = cast.signed_in(erin)
    for person in (charlie.id, uuid4()):
        address = page(acme, "subject_access", person)
        assert (browser.get(address).status_code, browser.post(address, WHY).status_code) == (
            404,
            404,
        )
    assert cast.events(acme, "export.requested") == []
