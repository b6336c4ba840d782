"""Every page there is, opened and looked at, with something of every kind on it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from semafore.kernel.checks import walk_routes
from tests.browser.browsers import BrowserAs, seen
from tests.browser.scene import Scene

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


def _hold(key: str) -> Arguments:
    return lambda scene: (scene.holds[key].id,)


def _retention_request(key: str) -> Arguments:
    return lambda scene: (scene.retention_requests[key].id,)


def _party(scene: Scene) -> tuple[Any, ...]:
    return (scene.rooms["recall"].party_id,)


def _reset(key: str) -> Arguments:
    return lambda scene: (scene.resets[key].id,)


Visit = tuple[str, Arguments, str]
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
        ("member_end", _person("bob"), ""),
        ("leaver", _person("bob"), ""),
        ("leaver_record", _person("ended"), ""),
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
        ("device", _device("lost"), "?of=lost"),
        ("device_revoke", _device("tablet"), ""),
        ("device_lost", _device("tablet"), ""),
        ("settings", _nothing, ""),
        ("policy", _nothing, ""),
        ("service_tokens", _nothing, ""),
        ("service_token_new", _nothing, ""),
        ("service_token_revoke", lambda scene: (scene.tokens["siem"].id,), ""),
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
        ("audit", _nothing, "?type=member.suspended"),
        ("audit", _nothing, "?type=hold.lifted"),
        ("event", _event("revoked"), ""),
        ("event", _event("changed"), "?of=changed"),
        ("event", _event("swept"), "?of=swept"),
        ("event", _event("issued"), "?of=issued"),
        ("event", _event("gone"), "?of=gone"),
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
}
"""What the flows of test_flows.py come by."""


def test_every_page_is_visited() -> None:
    pages = {
        pattern.name
        for route, pattern in walk_routes()
        if route.startswith(("console/", "i/"))
        and hasattr(getattr(pattern.callback, "view_class", None), "get")
    }
    visited = {name for group in VISITS.values() for name, _, _ in group}

    assert pages == visited | ON_THE_WAY


@pytest.mark.parametrize("group", VISITS)
def test_it_looks_well(browser_as: BrowserAs, scene: Scene, group: str) -> None:
    page = browser_as(scene.alice)
    for name, arguments, query in VISITS[group]:
        of = [] if group == "account" else [scene.organisation.slug]
        answer = page.goto(reverse(name, args=[*of, *arguments(scene)]) + query)
        assert answer is not None
        assert answer.status == 200, (name, query)
        seen(page, name, re.sub("[?=&]", "-", query))


OFFERED = ("a", "button[type=submit]", "input", "select", "textarea", "summary")


@pytest.mark.parametrize("group", VISITS)
def test_it_offers_the_same_without_scripts(
    browser_as: BrowserAs, scene: Scene, group: str
) -> None:
    """Every link, field and button of a page is there, and seen, with JavaScript switched off."""
    offered = ", ".join(f"main {element}:visible" for element in OFFERED)
    pages = [browser_as(scene.alice), browser_as(scene.alice, scripts=False)]
    for name, arguments, query in VISITS[group]:
        of = [] if group == "account" else [scene.organisation.slug]
        address = reverse(name, args=[*of, *arguments(scene)]) + query
        counts = []
        for page in pages:
            answer = page.goto(address)
            assert answer is not None
            assert answer.status == 200, (name, query)
            counts.append(page.locator(offered).count())
        assert counts[0] == counts[1], (name, query, counts)
