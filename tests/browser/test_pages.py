"""Every page there is, opened and looked at, with something of every kind on it."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser

from semafore.kernel.checks import walk_routes
from tests.browser.browsers import BrowserAs, pages_of_people, seen
from tests.browser.scene import Scene
from tests.browser.scene_log import LATELY

Arguments = Callable[[Scene], tuple[Any, ...]]


def _nothing(_scene: Scene) -> tuple[Any, ...]:
    return ()


def _person(key: str) -> Arguments:
    return lambda scene: (scene.people[key].id,)


def _phone_change(key: str) -> Arguments:
    return lambda scene: (scene.phone_changes[key].id,)


def _device(key: str) -> Arguments:
    return lambda scene: (scene.devices[key].id,)


def _invitation(key: str) -> Arguments:
    return lambda scene: (scene.invitations[key].id,)


def _room(key: str, *people: str) -> Arguments:
    return lambda scene: (scene.rooms[key].id, *(scene.people[person].id for person in people))


def _room_request(key: str) -> Arguments:
    return lambda scene: (scene.requests[key].id,)


def _event(key: str) -> Arguments:
    return lambda scene: (scene.events[key],)


def _search(key: str) -> Arguments:
    return lambda scene: (scene.searches[key].id,)


def _hold(key: str) -> Arguments:
    return lambda scene: (scene.holds[key].id,)


def _retention_request(key: str) -> Arguments:
    return lambda scene: (scene.retention_requests[key].id,)


def _destination(key: str) -> Arguments:
    return lambda scene: (scene.destinations[key].id,)


def _report(key: str) -> Arguments:
    return lambda scene: (scene.reports[key],)


def _about(argument: str, key: str) -> Callable[[Scene], str]:
    """A playbook's query, with a name for its picture."""
    return lambda scene: f"?{argument}={scene.people[key].id}&of={key}"


def _party(scene: Scene) -> tuple[Any, ...]:
    return (scene.rooms["recall"].party_id,)


def _reset(key: str) -> Arguments:
    return lambda scene: (scene.resets[key].id,)


def _export(key: str) -> Arguments:
    return lambda scene: (scene.exports[key].id,)


def _window(key: str) -> Arguments:
    return lambda scene: (scene.windows[key].id,)


Visit = tuple[str, Arguments, str | Callable[[Scene], str]]
"""A route's name, its arguments beside the organisation, and the address's query."""

VISITS: dict[str, list[Visit]] = {
    "now": [
        ("overview", _nothing, ""),
        ("search", _nothing, ""),
        ("search", _nothing, "?q=o"),
        ("search", _nothing, "?q=wil"),
        ("search", _nothing, "?q=recall"),
        ("search", _nothing, "?q=nobody"),
        ("approvals", _nothing, ""),
        ("approvals", _nothing, "?tab=decided"),
        ("approvals", _nothing, "?tab=expired"),
        ("approval", _device("waiting-newcomer"), ""),
        ("approval", _device("visitor"), "?of=decided"),
        ("approval_deny", _device("waiting-eilidh"), ""),
        ("phone_change", _phone_change("bob"), ""),
        ("phone_change", _phone_change("wilhelmina"), "?of=denied"),
    ],
    "people": [
        ("members", _nothing, ""),
        ("members", _nothing, "?text=nobody"),
        ("member", _person("wilhelmina"), ""),
        ("member", _person("bob"), "?of=bob"),
        ("member", _person("guest"), "?of=guest"),
        ("member", _person("ended"), "?of=ended"),
        ("member_suspend", _person("bob"), ""),
        ("member_activate", _person("suspended"), ""),
        ("member_role", _person("bob"), ""),
        ("member_edit", _person("wilhelmina"), ""),
        ("member_end_date", _person("guest"), ""),
        ("members_bulk", _nothing, ""),
        ("factor_reset", _person("adam"), ""),
        ("factor_reset_decide", _reset("waiting"), ""),
        ("factor_reset_decide", _reset("done"), "?of=done"),
    ],
    "devices-settings": [
        ("devices", _nothing, ""),
        ("devices", _nothing, "?health=expired"),
        ("device", _device("tablet"), ""),
        ("devices", _nothing, "?posture=deviates"),
        ("device", _device("lost"), "?of=lost"),
        ("device", _device("bob"), "?of=bob"),
        ("device_revoke", _device("tablet"), ""),
        ("device_lost", _device("tablet"), ""),
        ("maintenance", _nothing, ""),
        ("maintenance_window", _window("planned"), ""),
        ("maintenance_window", _window("emergency"), "?of=emergency"),
        ("billing", _nothing, ""),
        ("billing_days", _nothing, ""),
        ("billing_days", _nothing, "?month=2020-02"),
        ("settings", _nothing, ""),
        ("policy", _nothing, ""),
        ("managed_app", _nothing, ""),
        ("managed_app_change", _nothing, ""),
        ("service_tokens", _nothing, ""),
        ("service_token_new", _nothing, ""),
        ("service_token_revoke", lambda scene: (scene.tokens["siem"].id,), ""),
    ],
    "playbooks": [
        ("playbooks", _nothing, ""),
        ("playbook_lost_phone", _nothing, ""),
        ("playbook_lost_phone", _nothing, "?q=wil"),
        ("playbook_lost_phone", _nothing, "?q=nobody"),
        ("playbook_lost_phone", _nothing, _about("person", "mislaid")),
        ("playbook_leaver", _nothing, _about("person", "bob")),
        ("playbook_leaver", _nothing, _about("person", "ended")),
        ("playbook_supplier_breach", _nothing, lambda scene: f"?party={_party(scene)[0]}&of=party"),
        ("playbook_incident_room", _nothing, ""),
        ("playbook_investigation", _nothing, _about("person", "bob")),
        ("playbook_records", _nothing, ""),
        ("playbook_record", _event("playbook"), ""),
        ("playbook_record", _event("case"), "?of=case"),
    ],
    "invitations": [
        ("invitations", _nothing, ""),
        ("invitations", _nothing, "?search=nobody"),
        ("invitation_new", _nothing, ""),
        ("invitation_new", _nothing, "?purpose=device"),
        ("invitation_new", _nothing, "?purpose=console"),
        ("invitations_bulk", _nothing, ""),
        ("invitation", _invitation("by_hand"), ""),
        ("invitation", _invitation("failed"), "?of=failed"),
        ("invitation", _invitation("revoked"), "?of=revoked"),
        ("invitation_resend", _invitation("failed"), ""),
        ("invitation_new_link", _invitation("by_hand"), ""),
        ("invitation_extend", _invitation("expired"), ""),
        ("invitation_revoke", _invitation("by_hand"), ""),
    ],
    "rooms": [
        ("rooms", _nothing, ""),
        ("rooms", _nothing, "?kind=external&ends_within=7"),
        ("rooms", _nothing, "?text=nothing"),
        ("room", _room("recall"), ""),
        ("room", _room("recall"), "?kind=people"),
        ("room", _room("ward"), "?of=ward"),
        ("room", _room("pair"), "?of=pair"),
        ("room", _room("over"), "?of=over"),
        ("room", _room("incident"), "?of=incident"),
        ("room", _room("asked"), "?of=asked"),
        ("room_people", _room("recall"), ""),
        ("room_people", _room("recall"), "?tab=former"),
        ("room_appoint", _room("recall", "alice"), ""),
        ("room_close", _room("recall"), ""),
        ("room_close", _room("ward"), "?of=ward"),
        ("broadcasts", _nothing, ""),
        ("screenshots", _nothing, ""),
        ("screenshots", _nothing, "?text=nobody"),
    ],
    "external-rooms": [
        ("room_request_new", _nothing, ""),
        ("room_emergency_new", _nothing, ""),
        ("room_request", _room_request("opening"), ""),
        ("room_request", _room_request("extension"), "?of=extension"),
        ("room_request", _room_request("guests"), "?of=guests"),
        ("room_request", _room_request("confirmation"), "?of=confirmation"),
        ("room_request", _room_request("own"), "?of=own"),
        ("room_request", _room_request("granted"), "?of=granted"),
        ("room_request", _room_request("denied"), "?of=denied"),
        ("room_withdraw", _room_request("own"), ""),
        ("room_extend", _room("recall"), ""),
        ("room_guests_add", _room("recall"), ""),
        ("room_guest_remove", _room("recall", "guest"), ""),
        ("parties", _nothing, ""),
        ("parties", _nothing, "?text=nothing"),
        ("party", _party, ""),
        ("party_cut_off", _party, ""),
        ("guests_take_over", _nothing, ""),
    ],
    "reachability": [
        ("reachability", _nothing, ""),
        ("reachability", _nothing, "?tab=keys"),
        ("reachability", _nothing, "?tab=pushes"),
        ("reachability", _nothing, "?tab=mail"),
    ],
    "audit": [
        ("audit", _nothing, ""),
        ("audit", _nothing, "?action=member.suspended"),
        ("audit", _nothing, "?action=hold.lifted"),
        ("audit", _nothing, "?period=7&action=device.revoked&outcome=denied&address=192.0.2.7"),
        ("audit", _nothing, "?who=a"),
        ("audit", _nothing, "?who=nobody&period=own"),
        ("audit_counts", _nothing, ""),
        ("audit_counts", _nothing, "?by=action"),
        ("audit_counts", _nothing, "?by=day&period=30"),
        ("saved_searches", _nothing, ""),
        ("saved_search_new", _nothing, "?period=7&action=member.suspended&outcome=success"),
        ("saved_search_edit", _search("week"), ""),
        ("saved_search_delete", _search("week"), ""),
        ("event", _event("suspended"), "?action=member.suspended"),
        ("event", _event("revoked"), ""),
        ("event", _event("changed"), "?of=changed"),
        ("event", _event("swept"), "?of=swept"),
        ("event", _event("issued"), "?of=issued"),
        ("event", _event("gone"), "?of=gone"),
    ],
    "proofs": [
        ("proofs", _nothing, ""),
        ("proof_messages", _nothing, ""),
        ("proof_messages", _nothing, lambda _: f"?at={LATELY:%Y-%m-%dT%H:%M}&of=lately"),
        ("proof_messages", _nothing, "?at=2020-05-04T09:15"),
        ("proof", _event("proved"), ""),
        ("proof", _event("proved_forgotten"), "?of=forgotten"),
    ],
    "retention": [
        ("retention", _nothing, ""),
        ("retention_change", _nothing, ""),
        (
            "retention_change",
            _nothing,
            "?metadata_days=90&audit_days=30&existence_days=90",
        ),
        ("retention_request", _retention_request("waiting"), ""),
        ("retention_request", _retention_request("denied"), "?of=denied"),
        ("retention_request", _retention_request("lift"), "?of=lift"),
        ("retention_withdraw", _retention_request("own"), ""),
        ("retention_request", _retention_request("own"), "?of=own"),
        ("deletions", _nothing, ""),
        ("holds", _nothing, ""),
        ("hold", _hold("person"), ""),
        ("hold", _hold("room"), "?of=room"),
        ("hold_new", _nothing, ""),
        ("hold_lift", _hold("person"), ""),
    ],
    "siem": [
        ("siem", _nothing, ""),
        ("siem_new", _nothing, ""),
        ("siem_destination", _destination("splunk"), ""),
        ("siem_destination", _destination("failing"), "?of=failing"),
        ("siem_destination", _destination("parked"), "?of=parked"),
        ("siem_destination", _destination("misconfigured"), "?of=misconfigured"),
        ("siem_change", _destination("failing"), ""),
        ("siem_test", _destination("splunk"), ""),
        ("siem_pause", _destination("splunk"), ""),
        ("siem_resume", _destination("paused"), ""),
        ("siem_replay", _destination("splunk"), ""),
        ("siem_skip", _destination("parked"), ""),
        ("siem_delete", _destination("splunk"), ""),
    ],
    "reports": [
        ("reports", _nothing, ""),
        ("report_graph_new", _nothing, ""),
        ("report_timing_new", _nothing, ""),
        ("report_membership_new", _nothing, ""),
        ("report", _report("graph"), ""),
        ("report", _report("party"), "?of=party"),
        ("report", _report("silent"), "?of=silent"),
        ("report", _report("timing"), "?of=timing"),
        ("report", _report("membership"), "?of=membership"),
        ("report", _report("membership"), "?tab=changes"),
    ],
    "exports": [
        ("exports", _nothing, ""),
        ("export_new", _nothing, ""),
        ("export_new", _nothing, "?action=message.accepted&format=csv"),
        ("export", _export("waiting"), ""),
        ("export", _export("running"), "?of=running"),
        ("export", _export("done"), "?of=done"),
        ("export", _export("lost"), "?of=lost"),
        ("export", _export("others"), "?of=others"),
        ("export", _export("failed"), "?of=failed"),
        ("export", _export("expired"), "?of=expired"),
        ("export", _export("cancelled"), "?of=cancelled"),
        ("export_cancel", _export("running"), ""),
        ("subject_access", _person("wilhelmina"), ""),
    ],
    "account": [
        ("account", _nothing, ""),
        ("password_change", _nothing, ""),
        ("factor", _nothing, ""),
        ("recovery_codes", _nothing, ""),
        ("step_up", _nothing, ""),
    ],
}
"""What somebody who is signed in opens by its address."""

ON_THE_WAY = {
    "landing",
    "landing_open",
    "landing_invitation",
    "landing_accept",
    "landing_decline",
    "sign_in",
    "sign_in_code",
    "sign_in_factor",
    "sign_in_link",
    "factor_link",
    "consoles",
    "password_forgotten",
    "password_new",
    "password_reset",
    "approvals_batch",
    "members_bulk_confirm",
    "members_bulk_result",
    "invitations_bulk_confirm",
    "invitations_bulk_template",
    "event_proof",
    # Files (tests/console/test_managed_app.py, tests/reports/test_pages.py).
    "managed_app_ios",
    "managed_app_android",
    "managed_app_android_restrictions",
    "managed_app_appconfig",
    "report_graphml",
    "report_people",
    "report_changes",
    "proof_new",
    "proof_file",
    "proof_statement",
    "proof_verify_page",
    "proof_verifier",
    "export_file",
    "export_manifest",
    # Files (tests/orgs/billing/test_pages.py).
    "billing_months_file",
    "billing_days_file",
}
"""What the flows of test_flows.py and test_proofs.py come by."""


NO_NAME = re.compile(r"\w+=([0-9a-f-]{36}|[0-9T:-]{16})&")
"""What is another one in each run."""


def test_every_page_is_visited() -> None:
    pages = {
        pattern.name
        for route, pattern in walk_routes()
        if route.startswith(("console/", "i/"))
        and hasattr(getattr(pattern.callback, "view_class", None), "get")
    }
    visited = {name for group in VISITS.values() for name, _, _ in group}

    assert pages == visited | ON_THE_WAY


OFFERED = ("a", "button[type=submit]", "input", "select", "textarea", "summary")


@pytest.fixture
def looking(chromium: Browser, address: str, lasting_scene: Scene) -> Iterator[BrowserAs]:
    """Pages of people of the scene that all tests here look at."""
    with pages_of_people(chromium, address) as browser:
        yield browser


@pytest.mark.parametrize("group", VISITS)
def test_it_looks_well_and_offers_the_same_without_scripts(
    looking: BrowserAs, lasting_scene: Scene, group: str
) -> None:
    """Every link, field and button of a page is there, and seen, with JavaScript switched off."""
    scene = lasting_scene
    page, plain = looking(scene.alice), looking(scene.alice, scripts=False)
    offered = ", ".join(f"main {element}:visible" for element in OFFERED)
    for name, arguments, asked in VISITS[group]:
        query = asked if isinstance(asked, str) else asked(scene)
        of = [] if group == "account" else [scene.organisation.slug]
        address = reverse(name, args=[*of, *arguments(scene)]) + query
        counts = []
        for one in (plain, page):
            answer = one.goto(address)
            assert answer is not None
            assert answer.status == 200, (name, query)
            # What stands in for a script is there without scripts alone.
            instead = one.locator("main noscript a:visible").count()
            counts.append(one.locator(offered).count() - instead)
        assert counts[0] == counts[1], (name, query, counts)
        seen(page, name, re.sub("[?=&]", "-", NO_NAME.sub("", query)))
