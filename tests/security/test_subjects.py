"""Nobody learns of what examines them, whatever their role (ADR 0015).

A hold is placed on somebody, an investigation opened, the end of a hold asked for and denied, and
all of it looked at. Every page and every route that they have is asked before and after.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from audit.errors import OwnRequest
from audit.models import Hold, IndexedEvent, RetentionRequest
from audit.services.retention.holds import place_hold, request_lift
from audit.services.retention.requests import approve_request, deny_request, withdraw_request
from console.playbooks.acts import investigate
from messaging.models import RoomMembership
from orgs.models import Membership, MembershipKind, Organisation, Role, Scope
from orgs.services.memberships import membership_ref
from orgs.services.service_tokens import issue_service_token
from semafore.kernel import clock
from semafore.kernel.problems import NotFound
from tests import cast
from tests.api_rows import TABLE as API
from tests.api_rows import Ids, Row
from tests.api_rows import ids_of as api_ids_of
from tests.audit.aged import days, swept
from tests.audit.published import publish
from tests.cast import Phone, inside
from tests.console_rows import TABLE, ids_of
from tests.invitations.onboarding.acts import acting
from tests.messaging import post, talk
from tests.test_console_routes import address, requests_of

pytestmark = pytest.mark.usefixtures("early_in_an_hour")

DAY = timedelta(days=1)
CASE: dict[str, Any] = {"reason": "Complaint 12", "case_reference": "HR-12"}
CONSOLE_ROLES = ("owner", "admin", "helpdesk", "auditor", "second membership")
ROLES = (*CONSOLE_ROLES, "member", "guest")

OF_THE_LOG = re.compile(
    # How long the log is, who signed its head, and what proves an event in it (ADR 0015).
    r"Entries in the audit log</dt>.*?</div>"
    r'|<script[^>]*type="(?:application/json|text/plain)".*?</script>'
    r'|<section[^>]*aria-labelledby="(?:place|proof|check)".*?</section>'
    # And so how much of it a SIEM hasn't got, and since when.
    r'|before place \d+ of \d+|<p class="hint">\d+ wait.*?</p>'
    r'|<td class="number">\d+</td>\s*<td>\s*(?:<span class="until">.*?|None\s*)</td>',
    re.DOTALL,
)
OF_THE_REQUEST = re.compile(
    r'name="csrfmiddlewaretoken" value="[^"]+"'
    # The minute in which it is asked, as a form proposes it.
    r'|type="datetime-local"[^>]*value="[^"]*"|value="[^"]*"[^>]*type="datetime-local"'
    r'|name="at" value="[^"]*"'
    r'|"next": ?"[A-Za-z0-9_=-]+"'
)
RELATIVE = re.compile(r'(<span class="until"><span>)[^<]*')


def subject_of(role: str, acme: Organisation, alice: Membership) -> tuple[Membership, Membership]:
    """Somebody with this role, and the membership that is examined, which may be a former one."""
    if role == "second membership":
        former = cast.member(acme, "Sue")
        return cast.again(former, Role.OWNER), former
    if role == "guest":
        person = cast.member(acme, "Sue")
        with inside(acme):
            Membership.objects.filter(id=person.id).update(
                kind=MembershipKind.GUEST, sponsor=alice, ends_at=clock.now() + 80 * DAY
            )
            person = Membership.objects.get(id=person.id)
        return person, person
    person = cast.member(acme, "Sue", Role(role))
    return person, person


class Examined:
    """What others did about a person."""

    def __init__(self, acme: Organisation, person: Membership) -> None:
        olga, ann = cast.member(acme, "Olga", Role.OWNER), cast.member(acme, "Ann", Role.AUDITOR)
        self.of, self.person, self.olga, self.ann = acme, person, olga, ann
        # That somebody came in is an event, once, and nobody's secret.
        self.browser = cast.signed_in(olga)
        self.browser.get(f"/console/{acme.slug}/")

    def examine(self) -> None:
        """Two holds, an investigation, a request that waits and one that was denied; looks."""
        with acting(self.olga):
            self.record = investigate(
                person=self.person, room=None, from_at=None, until_at=None, **CASE
            )
            self.waiting = self._lift(self._hold())
        with acting(self.ann):
            denied = self._lift(self._hold())
        with acting(self.olga):
            deny_request(request_id=denied.id, reason="It goes on")
        publish(self.of)
        with inside(self.of):
            found = IndexedEvent.objects.filter(subject_id=self.person.id)
            self.events = list(found.filter(type__startswith="hold.").values_list("event_id"))
        for (event_id,) in self.events:
            for name in ("event", "event_proof"):
                page = reverse(name, args=[self.of.slug, event_id])
                assert self.browser.get(page).status_code == 200
        publish(self.of)

    def _hold(self) -> Hold:
        return place_hold(
            person=membership_ref(self.person),
            room=None,
            from_at=None,
            until_at=None,
            reason="Letter",
            case_reference="",
        )

    def _lift(self, hold: Hold) -> RetentionRequest:
        return request_lift(hold_id=hold.id, reason="It is over")


def taken_back(ask: Callable[[], Any]) -> Any:
    """An answer to a request whose changes are taken back."""
    with transaction.atomic():
        answer = ask()
        transaction.set_rollback(True)
    return answer


def shown(browser: Client, method: str, path: str) -> tuple[int, str]:
    answer: Any = taken_back(
        lambda: browser.generic(method, path, content_type="application/x-www-form-urlencoded")
    )
    text = answer.content.decode().replace(answer["X-Request-ID"], "")
    for part in (OF_THE_LOG, OF_THE_REQUEST):
        text = part.sub("", text)
    return answer.status_code, RELATIVE.sub(r"\1", text)


def pages_about(acme: Organisation, *people: Membership) -> list[str]:
    found = [
        "approvals?tab=decided",
        "approvals?tab=expired",
        "search?q=Sue",
        "search?q=HR-12",
        "retention/change?metadata_days=30&audit_days=30&existence_days=30",
        "audit?action=hold.placed",
        "audit?action=investigation.opened",
    ]
    for person in people:
        found += [
            f"members/{person.id}",
            f"search?q={person.id}",
            f"audit?about={person.id}",
            f"playbooks/leaver?person={person.id}",
            f"playbooks/lost-phone?person={person.id}",
            f"playbooks/investigation?person={person.id}",
            f"retention/holds/new?person={person.id}",
        ]
    return [f"/console/{acme.slug}/{one}" for one in found]


PROOFS = {
    f"console/<slug:slug>/{one}"
    for one in (
        "audit/events/<uuid:event_id>/proof",
        "proofs/<uuid:event_id>",
        "proofs/<uuid:event_id>/file",
        "proofs/<uuid:event_id>/statement",
    )
}
"""They are of the newest checkpoint, which grows whatever happens."""


@pytest.mark.parametrize("role", ROLES)
def test_no_page_changes_for_whom_is_examined(
    acme: Organisation, alice: Membership, role: str
) -> None:
    with clock.moved_by(-40 * DAY):
        person, examined = subject_of(role, acme, alice)
        ids = ids_of(acme, alice)
    case = Examined(acme, examined)
    browser = cast.signed_in(person)
    browser.get(f"/console/{acme.slug}/")
    publish(acme)

    def walk() -> dict[tuple[str, str], tuple[int, str]]:
        asked = [
            (method, address(path, acme.slug, ids))
            for path, row in sorted(TABLE.items())
            if path not in PROOFS
            for method in requests_of(row)
        ]
        asked += [("GET", one) for one in pages_about(acme, person, examined)]
        asked += [("GET", "/console/"), ("GET", "/console/account/")]
        return {one: shown(browser, *one) for one in asked}

    before = walk()
    case.examine()
    after = walk()
    assert {one for one in before if before[one] != after[one]} == set()

    theirs, nobodys = f"/console/{acme.slug}/retention", uuid4()
    with inside(acme):
        holds = list(Hold.objects.filter(person=examined).values_list("id", flat=True))
    for method, template, found in (
        *(("GET", "{}/holds/{}", one) for one in holds),
        *((method, "{}/holds/{}/lift", one) for one in holds for method in ("GET", "POST")),
        *((method, "{}/requests/{}", case.waiting.id) for method in ("GET", "POST")),
        *((method, "{}/requests/{}/withdraw", case.waiting.id) for method in ("GET", "POST")),
        ("GET", "{}/../playbooks/records/{}", case.record),
        *(("GET", "{}/../audit/events/{}", one) for (one,) in case.events),
    ):
        path = template.format(theirs, found).replace("/retention/..", "")
        nowhere = template.format(theirs, nobodys).replace("/retention/..", "")
        assert shown(browser, method, path) == shown(browser, method, nowhere), (method, path)


def test_the_walk_would_notice(acme: Organisation, alice: Membership, bob: Membership) -> None:
    """Another owner sees every one of the places that the subject doesn't."""
    case = Examined(acme, bob)
    browser = cast.signed_in(alice)
    browser.get(f"/console/{acme.slug}/")
    publish(acme)
    places = ["", "approvals", "approvals?tab=decided", "retention/holds", "playbooks/records"]
    pages = [f"/console/{acme.slug}/{one}" for one in places]
    pages += [f"/console/{acme.slug}/audit?about={bob.id}"]
    before = [shown(browser, "GET", one) for one in pages]
    case.examine()
    after = [shown(browser, "GET", one) for one in pages]
    assert all(then != now for then, now in zip(before, after, strict=True))


def test_the_preview_counts_as_if_there_was_no_hold(acme: Organisation, alice: Membership) -> None:
    with clock.moved_by(-40 * DAY):
        olga = cast.member(acme, "Olga", Role.OWNER)
        publish(acme)
    wanted = "retention/change?metadata_days=30&audit_days=30&existence_days=30"
    page = f"/console/{acme.slug}/{wanted}"
    browsers = [cast.signed_in(one) for one in (alice, olga)]

    def counts() -> list[Any]:
        return [browser.get(page).context["counts"] for browser in browsers]

    before = counts()
    with acting(alice):
        place_hold(
            person=membership_ref(olga),
            room=None,
            from_at=None,
            until_at=None,
            reason="Letter",
            case_reference="",
        )
    alices, olgas = counts()
    assert olgas == before[1] != []
    assert alices != before[0]


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_the_subject_is_not_the_second_person(
    acme: Organisation, alice: Membership, role: Role
) -> None:
    """It is as if the request wasn't there; by a former membership too."""
    former = cast.member(acme, "Sue")
    sue = cast.again(former, role)
    case = Examined(acme, former)
    case.examine()
    decide: tuple[Callable[[UUID], Any], ...] = (
        lambda one: approve_request(request_id=one),
        lambda one: deny_request(request_id=one, reason="No"),
        lambda one: withdraw_request(request_id=one),
    )
    with acting(sue):
        for act in decide:
            with pytest.raises(NotFound):
                act(case.waiting.id)
        hold = case.waiting.hold_id
        assert hold is not None
        with pytest.raises(NotFound):
            request_lift(hold_id=hold, reason="It is over")
    with acting(case.olga), pytest.raises(OwnRequest):
        approve_request(request_id=case.waiting.id)
    with acting(alice):
        assert approve_request(request_id=case.waiting.id).status == "approved"


def test_who_placed_a_hold_on_themselves_knows_it(acme: Organisation, alice: Membership) -> None:
    with acting(alice):
        placed = place_hold(
            person=membership_ref(alice),
            room=None,
            from_at=None,
            until_at=None,
            reason="Letter",
            case_reference="",
        )
    browser = cast.signed_in(alice)
    assert browser.get(reverse("hold", args=[acme.slug, placed.id])).status_code == 200
    publish(acme)
    listed = browser.get(f"/console/{acme.slug}/audit?action=hold.placed").text
    assert "placed a legal hold" in listed


# Devices and programs


LOGGED = re.compile("log/|enrolment-proof")
"""Of the newest checkpoint, which grows whatever happens."""
OPAQUE = re.compile(r'"(server_time|cursor)":"[^"]+"')


def answers(browser: Client, ids: Ids, message_id: UUID) -> dict[str, tuple[int, str]]:
    """What a device's GETs answer, without the request's id."""
    rows: list[tuple[str, Row]] = [
        (path, row)
        for (path, method), row in sorted(API.items())
        if method == "GET" and path.startswith("api/mobile/") and not LOGGED.search(path)
    ]
    paths = [
        re.sub(r"<uuid:(\w+)>", lambda name: str(getattr(ids, name[1])), path) for path, _ in rows
    ]
    paths += [f"api/mobile/messages/{message_id}", f"api/mobile/messages/{message_id}/proof"]
    found = {}
    for path in paths:
        answer: Any = taken_back(partial(browser.get, f"/{path}"))
        text = OPAQUE.sub("", answer.content.decode())
        found[path] = answer.status_code, text.replace(answer["X-Request-ID"], "")
    return found


@pytest.mark.parametrize("role", ROLES)
def test_no_device_can_tell_what_a_sweep_left(
    acme: Organisation, alice: Membership, bob: Membership, role: str
) -> None:
    """The same sweep without a hold and with it."""
    with clock.moved_by(-40 * DAY):
        person, examined = subject_of(role, acme, alice)
        phone, bobs = cast.phone(person), cast.phone(bob)
        room = talk.group(acme, person, bob)
        sent = uuid4()
        post.say(phone, room, [bobs], b"x" * 60, message_id=sent)
        post.say(bobs, room, [phone], b"y" * 60)
        for one in (phone, bobs):
            post.ack(one, [each["envelope_id"] for each in post.mailbox(one)["envelopes"]])
        publish(acme)
    token = Phone(device=phone.device, keys=phone.keys).api.token()
    browser = Client(headers={"authorization": f"Bearer {token}"})
    days(acme, 30, 30, 30)
    ids = api_ids_of(phone, bobs)
    case = Examined(acme, examined)
    with transaction.atomic():
        publish(acme)
        swept(acme)
        without = answers(browser, ids, sent)
        transaction.set_rollback(True)
    case.examine()
    swept(acme)
    assert answers(browser, ids, sent) == without
    assert without[f"api/mobile/messages/{sent}"][0] == 404
    with inside(acme):
        assert RoomMembership.objects.filter(membership=person, ended_at=None).exists()


def test_a_program_of_the_subject_reads_what_they_read(
    acme: Organisation, alice: Membership
) -> None:
    former = cast.member(acme, "Sue")
    sue = cast.again(former, Role.OWNER)
    case = Examined(acme, former)
    headers = {}
    for name, by in (("sue", sue), ("alice", alice)):
        with acting(by):
            issued = issue_service_token(
                name=name, scopes=[Scope.AUDIT_READ], expires_at=clock.now() + DAY
            )
        headers[name] = {"authorization": f"Bearer {issued.token}"}
    case.examine()

    def status(name: str, event_id: UUID) -> int:
        answer = Client(headers=headers[name]).get(f"/api/audit/events/{event_id}/proof")
        return int(answer.status_code)

    assert case.events
    for (event_id,) in [*case.events, (case.record,)]:
        assert status("sue", event_id) == status("sue", uuid4()) == 404
        assert status("alice", event_id) == 200
