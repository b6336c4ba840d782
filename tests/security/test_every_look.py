"""Every look at audit data is an event of the same organisation, and begets none beyond itself."""

from typing import Any

import pytest
from django.test import Client

from audit.models import Event
from messaging.models import RoomMembership
from orgs.models import Membership, Organisation
from semafore.kernel import clock
from tests import cast
from tests.audit.programs import issue
from tests.audit.published import publish
from tests.cast import inside
from tests.console_rows import PREFIX, ids_of
from tests.security.evidence import PROGRAMS, filled_in, methods_of, routes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("early_in_an_hour")]

TIMES = 50
REPORT = "?person={person}&reason=Letter"

LOOKS = {
    f"{PREFIX}audit": ("audit.searched", ""),
    f"{PREFIX}audit/counts": ("audit.counted", ""),
    f"{PREFIX}audit/events/<uuid:event_id>": ("audit.viewed", ""),
    f"{PREFIX}audit/events/<uuid:event_id>/proof": ("audit.viewed", ""),
    f"{PREFIX}exports/<uuid:export_id>/file": ("export.downloaded", ""),
    f"{PREFIX}playbooks/records": ("audit.searched", ""),
    f"{PREFIX}playbooks/records/<uuid:event_id>": ("audit.viewed", ""),
    f"{PREFIX}proofs": ("audit.searched", ""),
    f"{PREFIX}proofs/messages": ("audit.searched", "?at=2026-01-01T00:00"),
    f"{PREFIX}proofs/<uuid:event_id>": ("audit.viewed", ""),
    f"{PREFIX}proofs/<uuid:event_id>/file": ("audit.viewed", ""),
    f"{PREFIX}proofs/<uuid:event_id>/statement": ("audit.viewed", ""),
    f"{PREFIX}reports": ("audit.searched", ""),
    f"{PREFIX}reports/<uuid:report_id>": ("report.opened", ""),
    f"{PREFIX}reports/<uuid:report_id>/graph.graphml": ("report.opened", ""),
    f"{PREFIX}reports/<uuid:report_id>/people.csv": ("report.opened", ""),
    f"{PREFIX}reports/<uuid:report_id>/changes.csv": ("report.opened", ""),
    f"{PROGRAMS}events": ("audit.searched", "?limit=10"),
    f"{PROGRAMS}events/<uuid:event_id>": ("audit.viewed", ""),
    f"{PROGRAMS}events/<uuid:event_id>/proof": ("audit.viewed", ""),
    f"{PROGRAMS}exports/<uuid:export_id>/file": ("export.downloaded", ""),
    f"{PROGRAMS}reports/communication-graph": ("report.opened", REPORT),
    f"{PROGRAMS}reports/timing": ("report.opened", REPORT),
    f"{PROGRAMS}reports/membership": ("report.opened", "?reason=Letter"),
}
"""Which event a GET leaves, and what is asked."""

ASKING = {
    f"{PREFIX}{one}"
    for one in (
        *("audit/searches/new", "exports/new", "proofs/new", "siem/new"),
        *("reports/communication-graph", "reports/timing", "reports/membership"),
        *("playbooks/lost-phone", "playbooks/leaver", "playbooks/supplier-breach"),
        *("playbooks/incident-room", "playbooks/investigation", "playbooks"),
        *("proofs/verify.html", "proofs/verifier.py", "retention/holds/new", "retention/change"),
    )
}
"""Forms, and programs that are the same for everybody."""

KEPT = {
    f"{PREFIX}{one}"
    for one in (
        *("audit/searches", "audit/searches/<uuid:saved_search_id>/edit"),
        "audit/searches/<uuid:saved_search_id>/delete",
        *("exports", "exports/<uuid:export_id>", "exports/<uuid:export_id>/cancel"),
        "exports/<uuid:export_id>/manifest",
        *("siem", "siem/<uuid:destination_id>"),
        *(
            f"siem/<uuid:destination_id>/{act}"
            for act in ("change", "test", "pause", "resume", "replay", "skip", "delete")
        ),
        *("retention", "retention/deletions", "retention/holds"),
        *("retention/holds/<uuid:hold_id>", "retention/holds/<uuid:hold_id>/lift"),
        "retention/requests/<uuid:retention_request_id>",
        "retention/requests/<uuid:retention_request_id>/withdraw",
    )
} | {f"{PROGRAMS}exports/<uuid:export_id>"}
"""What was asked for and set up, and how far it is: no event of the log, nor what is made of it."""


def test_of_each_page_it_is_known_whether_it_is_a_look() -> None:
    found = {route for route, pattern in routes() if "GET" in methods_of(pattern)}
    assert found == LOOKS.keys() | ASKING | KEPT
    assert not LOOKS.keys() & (ASKING | KEPT)


def recorded(of: Organisation) -> int:
    with inside(of):
        return Event.objects.count()


def test_each_look_is_an_event(
    acme: Organisation, globex: Organisation, alice: Membership, charlie: Membership
) -> None:
    """One of its own organisation, each time; looks alone are seen anew once an hour."""
    ids = ids_of(acme, alice)
    browser = cast.signed_in(alice)
    browser.get(f"/console/{acme.slug}/")
    with inside(acme):
        token = issue(acme).token
        assert RoomMembership.objects.exists()
    program = Client(headers={"authorization": f"Bearer {token}"})
    publish(acme)
    publish(globex)
    elsewhere = recorded(globex)
    moment = clock.rfc3339(clock.now()).replace("+", "%2B")
    for route, (event_type, query) in LOOKS.items():
        client = browser if route.startswith(PREFIX) else program
        page = filled_in(route, acme.slug, one_of(route, ids))
        page += query.format(person=ids["membership_id"])
        if route.endswith("api/audit/reports/membership"):
            page += f"&at={moment}"
        before, known = recorded(acme), len(cast.events(acme, event_type))
        answer: Any = client.get(page)
        assert answer.status_code in {200, 403}, (page, answer.content)
        if answer.status_code == 403:
            # The export of a person is not a program's.
            continue
        assert len(cast.events(acme, event_type)) == known + 1, page
        assert recorded(acme) == before + 1, page
    assert recorded(globex) == elsewhere


def one_of(route: str, ids: dict[str, Any]) -> dict[str, Any]:
    if route.startswith(PREFIX):
        return ids
    return {name: ids[name] for name in ("event_id", "export_id")}


@pytest.mark.parametrize(
    "page",
    [
        "audit?action=audit.searched",
        "audit?action=audit.viewed",
        "audit?about=0b0e1c9e-2a55-4b5b-9d0c-0b9a9f9d1d11&action=audit.viewed",
        "proofs",
        "api/audit/events?action=audit.viewed",
        "api/audit/events?action=audit.searched&limit=1000",
    ],
)
def test_who_looks_again_and_again_at_looks_leaves_a_few(
    acme: Organisation, alice: Membership, page: str
) -> None:
    browser = cast.signed_in(alice)
    browser.get(f"/console/{acme.slug}/")
    path = f"/{page}" if page.startswith("api") else f"/console/{acme.slug}/{page}"
    client = browser
    if page.startswith("api"):
        client = Client(headers={"authorization": f"Bearer {issue(acme).token}"})
    publish(acme)
    before = recorded(acme)
    for _ in range(TIMES):
        assert client.get(path).status_code == 200
    publish(acme)
    for _ in range(TIMES):
        assert client.get(path).status_code == 200
    assert before < recorded(acme) <= before + 2


def test_a_hammered_look_at_more_leaves_one_event_each_time(
    acme: Organisation, alice: Membership
) -> None:
    """As many as there were looks: none is lost, none begets another."""
    browser = cast.signed_in(alice)
    browser.get(f"/console/{acme.slug}/")
    publish(acme)
    for page in ("audit", "audit/counts", "reports?cursor="):
        before = recorded(acme)
        for _ in range(TIMES):
            assert browser.get(f"/console/{acme.slug}/{page}").status_code == 200
        assert recorded(acme) <= before + TIMES
