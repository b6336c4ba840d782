"""Nobody learns that reports, exports, searches, counts or proofs examine them (ADR 0015)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import ExportFormat, IndexedEvent
from audit.selectors.events import EventFilter
from audit.selectors.existence import Asked
from audit.selectors.reading import Reader
from audit.services.counting import count_events
from audit.services.existence import prove_existence, search_messages
from audit.services.exports.requests import request_export
from audit.services.exports.work import write_exports
from audit.services.reading import search_events, view_surroundings
from audit.services.searches import save_search
from audit.services.siem.destinations import create_destination
from orgs.models import Membership, Organisation, Role, Scope
from orgs.roles import permissions_of
from orgs.services.service_tokens import issue_service_token
from reports.questions import Kind, Question
from reports.services.asking import request_report
from semafore.kernel import clock
from tests import cast
from tests.audit.aged import fact_of_class, happened
from tests.audit.published import publish
from tests.audit.siem.destinations import setup
from tests.cast import inside
from tests.console_rows import TABLE, ids_of
from tests.invitations.onboarding.acts import acting
from tests.security.test_subjects import PROOFS, pages_about, shown
from tests.test_console_routes import address, requests_of

pytestmark = pytest.mark.usefixtures("early_in_an_hour")

DAY = timedelta(days=1)
CASE: dict[str, Any] = {"reason": "Complaint 12", "case_reference": "HR-12"}


class Examiner:
    """Another owner, who looks at all that there is on a person; who has sent a message."""

    def __init__(self, of: Organisation, person: Membership) -> None:
        self.of, self.person = of, person
        self.olga = cast.member(of, "Olga", Role.OWNER)
        # Like a message of the relay's, it names nobody but who sent it.
        message = replace(fact_of_class(2), subject=None, target=None)
        (self.sent,) = happened(of, [message], ago=timedelta(0), by=person)
        with inside(of):
            self.message_id = IndexedEvent.objects.get(event_id=self.sent).message_id
        self.made: dict[str, UUID] = {}

    def examine(self) -> None:
        olga, person = self.olga, self.person
        reader = Reader(permissions_of(olga.kind, olga.role), olga.id)
        about = EventFilter(about=person.id)
        month: dict[str, Any] = {"from_at": clock.now() - 30 * DAY, "to_at": clock.now()}
        with acting(olga):
            for kind in (Kind.GRAPH, Kind.TIMING):
                question = Question(kind=kind, person=person.id, **month)
                self.made["report"] = request_report(question=question, reader=reader, **CASE)
            for one in (ExportFormat.CSV, ExportFormat.BUNDLE):
                export = request_export(format=one, chosen=about, reader=reader, **CASE)
                self.made["export"] = export.id
            write_exports()
            for chosen in (about, EventFilter(actor=person.id), EventFilter(target=person.id)):
                search_events(reader=reader, chosen=chosen, cursor=None)
                count_events(reader=reader, chosen=chosen, by="action")
            view_surroundings(event_id=self.sent, reader=reader, chosen=about)
            search = save_search(
                name="Complaint 12", filters={"about": str(person.id)}, shared=True, reader=reader
            )
            self.made["saved_search_edit"] = search.id
            asked = Asked(message_id=self.message_id)
            made = prove_existence(asked=asked, reader=reader, **CASE)
            self.made["proof"] = made.proved[0].record_id
            minute = clock.now().replace(second=0, microsecond=0)
            search_messages(minute=minute, sender=person.id, room=None, reader=reader, cursor=None)
        publish(self.of)


def pages_of_evidence(of: Organisation, person: Membership) -> list[str]:
    found = ["exports", "proofs", "reports", "audit/searches", "audit", "playbooks/records"]
    found += [f"audit/counts?by={by}" for by in ("actor", "action", "day")]
    found += [f"audit/counts?about={person.id}&by={by}" for by in ("actor", "action", "day")]
    for name in ("requested", "finished", "downloaded"):
        found.append(f"audit?action=export.{name}")
    found += ["audit?action=audit.existence_proved", "audit?action=audit.search_saved"]
    found += ["audit?action=report.requested", "search?q=Complaint"]
    return [f"/console/{of.slug}/{one}" for one in found]


@pytest.mark.parametrize("role", ["owner", "auditor", "admin"])
def test_no_page_changes_for_whom_evidence_examines(
    acme: Organisation, alice: Membership, role: str
) -> None:
    with clock.moved_by(-20 * DAY):
        person = cast.member(acme, "Sue", Role(role))
        ids = ids_of(acme, alice)
        case = Examiner(acme, person)
    browser = cast.signed_in(person)
    browser.get(f"/console/{acme.slug}/")
    with acting(person):
        destination = setup("https://siem.example.org/hers", name="Hers")
        create_destination(setup=destination, secret="", cursor=0)
        token = issue_service_token(
            name="Hers", scopes=tuple(Scope), expires_at=clock.now() + DAY
        ).token
    program = Client(headers={"authorization": f"Bearer {token}"})
    publish(acme)

    def walk() -> dict[tuple[str, str], tuple[int, str]]:
        asked = [
            (method, address(path, acme.slug, ids))
            for path, row in sorted(TABLE.items())
            if path not in PROOFS
            for method in requests_of(row)
        ]
        pages = [*pages_about(acme, person), *pages_of_evidence(acme, person)]
        event = reverse("event", args=[acme.slug, case.sent])
        pages += [event, f"{event}?about={person.id}", f"{event}?action=report.requested"]
        found = {one: shown(browser, *one) for one in [*asked, *(("GET", page) for page in pages)]}
        events = f"/api/audit/events?about={person.id}&limit=1000"
        return found | {("GET", events): shown(program, "GET", events)}

    before = walk()
    case.examine()
    after = walk()
    assert [one for one in before if before[one] != after[one]] == []

    for name, id_ in case.made.items():
        mine = reverse(name, args=[acme.slug, id_])
        nowhere = reverse(name, args=[acme.slug, uuid4()])
        assert shown(browser, "GET", mine) == shown(browser, "GET", nowhere), name
    assert shown(program, "GET", f"/api/audit/exports/{case.made['export']}")[0] == 404
    assert shown(program, "GET", f"/api/audit/events/{case.made['report']}")[0] == 404


def test_the_walk_would_notice_evidence(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    """Another owner sees each of the places that the subject doesn't."""
    publish(acme)
    case = Examiner(acme, bob)
    publish(acme)
    browser = cast.signed_in(alice)
    browser.get(f"/console/{acme.slug}/")
    publish(acme)
    pages = [page for page in pages_of_evidence(acme, bob) if not page.endswith("records")]
    before = [shown(browser, "GET", one) for one in pages]
    case.examine()
    after = [shown(browser, "GET", one) for one in pages]
    same = [one for one, then, now in zip(pages, before, after, strict=True) if then == now]
    assert [one for one in same if "downloaded" not in one and "search?q" not in one] == []
