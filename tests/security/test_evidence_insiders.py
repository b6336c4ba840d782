"""What those inside try with evidence: to look unseen, to read of themselves, to keep a file."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from audit.errors import ExportNotReady
from audit.models import (
    DestinationState,
    Event,
    ExportPart,
    ExportStatus,
    IndexedEvent,
    SiemDestination,
)
from audit.selectors.outgoing import taken_by
from audit.selectors.reading import Reader
from audit.services.exports.downloads import look_at_file
from audit.services.exports.files import expire_exports
from audit.services.exports.lease import LeaseLostError, take
from audit.services.retention.holds import place_hold
from audit.services.searches import save_search
from audit.services.siem.destinations import create_destination
from audit.siem.answers import answer_of
from audit.siem.http import Reply
from orgs.models import Membership, Organisation, Role
from orgs.roles import permissions_of
from orgs.services.memberships import end_membership, membership_ref
from semafore.kernel.actor import SYSTEM, acting_as
from tests import cast
from tests.audit.exports.acts import again, asked, reader, work
from tests.audit.published import publish
from tests.audit.siem.destinations import sent_to, setup
from tests.cast import inside
from tests.invitations.onboarding.acts import acting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("early_in_an_hour")]

URL = "https://siem.example.org/collect"


def held(by: Membership, person: Membership) -> UUID:
    """Somebody places a hold on somebody; the event's id."""
    with acting(by):
        place_hold(
            person=membership_ref(person),
            room=None,
            from_at=None,
            until_at=None,
            reason="Letter",
            case_reference="",
        )
    publish(by.organisation)
    with inside(by.organisation):
        return IndexedEvent.objects.filter(type="hold.placed").latest("seq").event_id


def recorded(of: Organisation, event_type: str) -> list[dict[str, Any]]:
    """The `what` parts of this type, placed or not, oldest first."""
    with inside(of):
        every = [json.loads(bytes(one.what or b"{}")) for one in Event.objects.order_by("id")]
    return [what for what in every if what["type"] == event_type]


# Looking unseen


def searches(of: Organisation) -> list[dict[str, Any]]:
    return [one["data"]["filters"] for one in recorded(of, "audit.searched")]


def test_the_next_event_that_fits_is_no_search_that_nobody_records(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    """Whether there is one that fits is what a search tells: once an hour it is recorded as one."""
    browser = cast.signed_in(alice)
    browser.get(f"/console/{acme.slug}/audit")
    publish(acme)
    (look,) = recorded(acme, "audit.searched")
    page = reverse("event", args=[acme.slug, look["id"]])
    for _ in range(50):
        assert browser.get(f"{page}?about={bob.id}").status_code == 200
    assert searches(acme)[1:] == [{"about": str(bob.id)}]


def test_what_stands_beside_a_look_is_looked_at(acme: Organisation, alice: Membership) -> None:
    """Looks at looks are recorded once an hour: not where more than looks is shown."""
    watched = cast.member(acme, "Olga", Role.OWNER)
    browser = cast.signed_in(watched)
    browser.get(f"/console/{acme.slug}/audit")
    with acting(watched):
        end_membership(membership_id=cast.member(acme, "Sue").id, reason="Left")
    publish(acme)
    (look,) = recorded(acme, "audit.searched")
    auditor = cast.signed_in(alice)
    auditor.get(f"/console/{acme.slug}/")
    for number in range(1, 4):
        shown: Any = auditor.get(reverse("event", args=[acme.slug, look["id"]]))
        beside = {line.row.type for _, lines in shown.context["related"] for line in lines}
        assert "member.ended" in beside
        assert len(recorded(acme, "audit.viewed")) == number


def test_a_look_among_looks_is_recorded_once_an_hour(acme: Organisation, alice: Membership) -> None:
    browser = cast.signed_in(alice)
    browser.get(f"/console/{acme.slug}/audit?action=audit.searched")
    publish(acme)
    (look,) = recorded(acme, "audit.searched")
    auditor = cast.signed_in(cast.member(acme, "Ann", Role.AUDITOR))
    auditor.get(f"/console/{acme.slug}/")
    proof = reverse("event_proof", args=[acme.slug, look["id"]])
    for _ in range(50):
        assert auditor.get(proof).status_code == 200
    assert len(recorded(acme, "audit.viewed")) == 1


# Reading of oneself


def test_who_ends_a_membership_learns_of_no_search_about_themselves(
    acme: Organisation, alice: Membership
) -> None:
    """They are the actor of all that ends with it; the record of a playbook names these events."""
    auditor = cast.member(acme, "Ann", Role.AUDITOR)
    with acting(auditor):
        save_search(
            name="Is it Alice?",
            filters={"about": str(alice.id)},
            shared=False,
            reader=Reader(permissions_of(auditor.kind, auditor.role), auditor.id),
        )
    with acting(alice):
        end_membership(membership_id=auditor.id, reason="Left")
    publish(acme)
    (deleted,) = recorded(acme, "audit.search_deleted")
    page: Any = cast.signed_in(alice).get(reverse("event", args=[acme.slug, deleted["id"]]))
    assert page.status_code == 200
    assert page.context["subject"] is None
    assert "Is it Alice?" not in page.content.decode()


def test_a_test_shows_nothing_that_its_sender_may_not_read(
    acme: Organisation, alice: Membership, settings: Settings
) -> None:
    """The destination is another owner's, and so gets what examines the sender of the test."""
    settings.SIEM_ALLOWED_NETWORKS = []
    olga = cast.member(acme, "Olga", Role.OWNER)
    row = sent_to(acme, URL)
    browser = cast.signed_in(alice)
    browser.get(f"/console/{acme.slug}/")
    publish(acme)
    event_id = held(olga, alice)
    with inside(acme):
        assert taken_by(row).filter(event_id=event_id).exists()
    page = reverse("siem_test", args=[acme.slug, row.id])
    mine = browser.post(page).content.decode()
    theirs = cast.signed_in(olga).post(page).content.decode()
    assert str(event_id) in theirs
    assert str(event_id) not in mine
    assert "What was sent" in mine


def test_a_parked_event_is_named_to_who_may_read_it(acme: Organisation, alice: Membership) -> None:
    olga = cast.member(acme, "Olga", Role.OWNER)
    row = sent_to(acme, URL)
    event_id = held(olga, alice)
    with inside(acme):
        seq = IndexedEvent.objects.get(event_id=event_id).seq
        SiemDestination.objects.filter(id=row.id).update(
            state=DestinationState.PARKED, cursor=seq, reason="HTTP 400"
        )
    page = reverse("siem_destination", args=[acme.slug, row.id])
    assert str(event_id) in cast.signed_in(olga).get(page).content.decode()
    assert str(event_id) not in cast.signed_in(alice).get(page).content.decode()


def test_a_destination_gets_nothing_about_who_set_it_up_in_an_earlier_time_here(
    acme: Organisation, alice: Membership
) -> None:
    former = cast.member(acme, "Sue")
    sue = cast.again(former, Role.OWNER)
    with acting(sue):
        hers = create_destination(setup=setup(URL, name="Hers"), secret="", cursor=0)
    with acting(alice):
        other = create_destination(setup=setup(URL, name="Other"), secret="", cursor=0)
    event_id = held(alice, former)
    with inside(acme):
        assert taken_by(other).filter(event_id=event_id).exists()
        assert not taken_by(hers).filter(event_id=event_id).exists()


# What a person decided about


def test_another_event_is_not_skipped_in_its_stead(acme: Organisation, alice: Membership) -> None:
    """Somebody else skips it meanwhile, and the destination is parked on the next."""
    publish(acme)
    row = sent_to(acme, URL)
    browser = cast.signed_in(alice)
    page = reverse("siem_skip", args=[acme.slug, row.id])
    with inside(acme):
        rows = SiemDestination.objects.filter(id=row.id)
        rows.update(state=DestinationState.PARKED, cursor=0)
        shown: Any = browser.get(page)
        rows.update(cursor=1)
    form = {"reason": "Too long.", "seq": shown.context["form"]["seq"].value()}
    assert browser.post(page, form).status_code == 422
    assert browser.post(page, {"reason": "Too long."}).status_code == 422
    with inside(acme):
        assert rows.get().cursor == 1
    assert recorded(acme, "siem.skipped") == []


# What a receiver says


@pytest.mark.parametrize("echo", ["Bearer planted-token-77", "planted-token-77"])
def test_a_receiver_does_not_tell_our_secret(echo: str) -> None:
    reply = Reply(403, "", f'{{"you": "{echo}"}}'.encode())
    said = answer_of(reply, secret="Bearer planted-token-77").said
    assert "planted" not in said
    assert "(hidden)" in said


# Keeping a file


def lose(person: Membership, how: str) -> None:
    with inside(person.organisation):
        if how == "ended":
            end_membership(membership_id=person.id, reason="Left")
        else:
            Membership.objects.filter(id=person.id).update(role=Role.ADMIN)


@pytest.mark.parametrize("how", ["ended", "demoted"])
def test_who_may_export_no_more_has_no_file_any_more(
    acme: Organisation, alice: Membership, folder: Path, how: str
) -> None:
    """Not at once, by the page; and soon there is no file."""
    publish(acme)
    erin, anna = (cast.member(acme, name, Role.AUDITOR) for name in ("Erin", "Anna"))
    gone, kept = asked(erin), asked(anna)
    work(acme)
    browser = cast.signed_in(erin)
    page = reverse("export_file", args=[acme.slug, gone.id])
    assert browser.get(page).status_code == 200
    lose(erin, how)
    assert cast.signed_in(erin).get(page).status_code == (404 if how == "ended" else 403)
    assert cast.signed_in(alice).get(page).status_code == 403

    with acting_as(SYSTEM), inside(acme):
        expire_exports()
        left = set(ExportPart.objects.values_list("export_id", flat=True))
        with pytest.raises(ExportNotReady):
            look_at_file(export_id=gone.id, reader=reader(erin))
    assert left == {kept.id}
    assert len(list(folder.iterdir())) == 1
    assert again(kept).status == ExportStatus.DONE


@pytest.mark.parametrize("how", ["ended", "demoted"])
def test_an_export_that_runs_ends_with_its_readers_right(acme: Organisation, how: str) -> None:
    publish(acme)
    erin = cast.member(acme, "Erin", Role.AUDITOR)
    made, waits = asked(erin), asked(erin)
    with inside(acme):
        lease = take()
    assert lease is not None
    lose(erin, how)
    with acting_as(SYSTEM), inside(acme):
        expire_exports()
        with pytest.raises(LeaseLostError):
            lease.finish(done=1, size=1, digest=bytes(32))
    assert [again(one).status for one in (made, waits)] == [ExportStatus.CANCELLED] * 2
    assert work(acme) == 0


def test_a_range_of_thousands_of_digits_is_no_failure(acme: Organisation) -> None:
    publish(acme)
    erin = cast.member(acme, "Erin", Role.AUDITOR)
    made = asked(erin)
    work(acme)
    page = reverse("export_file", args=[acme.slug, made.id])
    for asked_for in ("bytes={}-", "bytes=0-{}", "bytes=-{}"):
        header = {"Range": asked_for.format("9" * 5000)}
        answer = cast.signed_in(erin).get(page, headers=header)
        assert answer.status_code == 200
        assert "Content-Range" not in answer.headers


def test_a_file_is_nothing_to_run(acme: Organisation, alice: Membership) -> None:
    """Whatever leaves as a file is saved, and is of the type that it says."""
    publish(acme)
    made = asked(alice)
    work(acme)
    browser = Client()
    browser.force_login(alice.account)
    for name, args in (("export_file", [made.id]), ("export_manifest", [made.id])):
        answer = browser.get(reverse(name, args=[acme.slug, *args]))
        assert answer["Content-Disposition"].startswith("attachment; ")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer["Content-Security-Policy"]
