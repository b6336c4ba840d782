"""What stands around every page: navigation, switcher, own account; the CSP; the error pages."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker, Settings

from console import navigation
from orgs.models import Membership, MembershipStatus, Organisation, Role
from orgs.services.memberships import admit_member
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.permissions import Permission
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.cast import Phone, signed_in

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pages(settings: Settings) -> None:
    """The gallery's routes: a page for each entry of the navigation."""
    settings.ROOT_URLCONF = "tests.browser.gallery"


def page(person: Membership, path: str = "") -> str:
    response = signed_in(person).get(f"/console/{person.organisation.slug}/{path}")
    assert response.status_code == 200, response.content
    return response.content.decode()


def entries(text: str) -> list[str]:
    """The labels of the navigation; it stands twice, for wide and for narrow."""
    labels = re.findall(r'class="nav-link".*?<span>(.*?)</span>', text, re.DOTALL)
    half = len(labels) // 2
    assert labels[:half] == labels[half:]
    return labels[:half]


def current(text: str) -> list[tuple[str, str]]:
    links = re.findall(r'class="nav-link"\s+href="([^"]*)"\s+aria-current="(\w+)"', text, re.DOTALL)
    return links[: len(links) // 2]


OWNERS_AND_AUDITORS = {"Reports", "Exports", "Retention"}
ALL = [entry.label for part in navigation.SECTIONS.values() for entry in part]


@pytest.mark.parametrize(
    ("role", "missing"),
    [
        (Role.OWNER, set()),
        (Role.ADMIN, {"Reports", "Proofs", "Exports", "SIEM", "Billing", "Service tokens"}),
        (
            Role.HELPDESK,
            {
                *("Audit log", "Reports", "Proofs", "Exports", "Retention", "SIEM", "Billing"),
                "Service tokens",
            },
        ),
        (Role.AUDITOR, {"Service tokens"}),
    ],
)
@pytest.mark.usefixtures("pages")
def test_the_navigation_shows_what_the_role_allows(
    acme: Organisation, role: Role, missing: set[str]
) -> None:
    person = cast.member(acme, "Dana", role)

    assert entries(page(person)) == [label for label in ALL if label not in missing]


@pytest.mark.usefixtures("pages")
def test_an_entry_without_a_route_is_left_out(
    alice: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = navigation.Entry("Later", "not_built_yet", Permission.PEOPLE_READ, "clock")
    monkeypatch.setattr(navigation, "SECTIONS", {"Now": (later,), **navigation.SECTIONS})

    assert entries(page(alice)) == ALL


@pytest.mark.usefixtures("pages")
def test_where_the_person_is(alice: Membership) -> None:
    home = f"/console/{alice.organisation.slug}/"

    assert current(page(alice)) == [(home, "page")]
    assert current(page(alice, "members")) == [(f"{home}members", "page")]
    assert current(page(alice, f"members/{uuid4()}")) == [(f"{home}members", "true")]


@pytest.mark.usefixtures("pages")
def test_a_count_only_where_a_decision_waits(
    alice: Membership, bob: Membership, charlie: Membership, alice_phone: Phone
) -> None:
    cast.phone(charlie, approved=False)
    assert 'class="count"' not in page(alice)

    cast.phone(bob, approved=False)
    counts = re.findall(r'class="count">(\d+)<', page(alice))
    assert counts == ["1", "1"]


@pytest.mark.usefixtures("pages")
def test_the_switcher_is_there_for_whoever_has_a_choice(
    alice: Membership, charlie: Membership, globex: Organisation
) -> None:
    assert "Globex" not in page(alice)
    assert '<details class="switcher"' not in page(alice)

    with acting_as(SYSTEM), organisation_scope(globex.id):
        admit_member(
            account=alice.account,
            name="Alice",
            phone=alice.phone,
            email=alice.email,
            role=Role.AUDITOR,
            status=MembershipStatus.ACTIVE,
        )

    assert f'<a href="/console/{globex.slug}/"' in page(alice)
    assert "Acme" not in page(charlie)


@pytest.mark.usefixtures("pages")
def test_the_shell_costs_three_statements(alice: Membership) -> None:
    browser, home = signed_in(alice), f"/console/{alice.organisation.slug}/"
    # The first page of a session is recorded.
    browser.get(home)
    with CaptureQueriesContext(connection) as captured:
        browser.get(home)

    statements = [one["sql"] for one in captured]
    # Session, account, seat; then the pending devices, the person's consoles, maintenance ahead.
    assert len(statements) == 6, statements


@pytest.mark.usefixtures("pages")
def test_own_account_and_sign_out(alice: Membership) -> None:
    written = page(alice)

    assert 'href="/console/account/"' in written
    assert '<form method="post" action="/console/sign-out">' in written


# The content security policy


def test_the_policy_is_strict() -> None:
    response = Client().get("/console/nowhere/at/all")
    policy = dict(
        part.strip().split(" ", 1) for part in response["Content-Security-Policy"].split(";")
    )

    assert policy["default-src"] == "'none'"
    for kind in ("script-src", "style-src", "connect-src", "font-src", "form-action"):
        assert policy[kind] == "'self'", kind
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "http" not in response["Content-Security-Policy"]


FORBIDDEN = {
    "a style of its own": re.compile(r"\sstyle\s*=", re.IGNORECASE),
    "a style element": re.compile(r"<style", re.IGNORECASE),
    "a script in the page": re.compile(r"<script(?![^>]*\ssrc=)", re.IGNORECASE),
    "an event handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "something from elsewhere": re.compile(
        r"<(?:script|link|img|iframe|use)\b[^>]*(?:src|href)=[\"'](?:https?:)?//", re.IGNORECASE
    ),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_template_has(what: str) -> None:
    # What is of evidence is a file of its own, opened without us and without a network.
    templates = [
        path
        for path in (*ROOT.glob("templates/**/*.html"), *ROOT.glob("tests/**/templates/**/*.html"))
        if path.parent.name != "evidence"
    ]

    assert len(templates) > 10
    assert [
        str(path.relative_to(ROOT))
        for path in templates
        if FORBIDDEN[what].search(path.read_text(encoding="utf-8"))
    ] == []


@pytest.mark.parametrize(
    ("what", "source"),
    [
        ("a style of its own", '<p class="x" style="color: red">'),
        ("a style element", "<style>p{}</style>"),
        ("a script in the page", "<script>1</script>"),
        ("an event handler", '<button type="button" onclick="x()">'),
        ("something from elsewhere", '<link rel="x" href="https://cdn.example/x.css">'),
    ],
)
def test_the_scan_finds(what: str, source: str) -> None:
    assert FORBIDDEN[what].search(source)


# Error pages


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/console/nowhere/at/all", 404, "Not found</h1>"),
        ("/i/nowhere", 404, "Not found</h1>"),
        ("/console/forbidden", 403, "Your role does not allow this</h1>"),
        ("/console/broken", 500, "Something went wrong on our side</h1>"),
        ("/console/away", 503, "The service is not available just now."),
        ("/i/ended", 410, "This invitation has expired</h1>"),
    ],
)
@pytest.mark.usefixtures("pages")
def test_an_error_is_a_page_that_reads_no_database(path: str, status: int, words: str) -> None:
    browser = Client(raise_request_exception=False)
    # A cookie, so that whoever looks at the session would have to ask the database.
    browser.cookies[django_settings.SESSION_COOKIE_NAME] = "somebody"
    with DjangoDbBlocker(_ispytest=True).block():
        response = browser.get(path)

    assert response.status_code == status
    assert response["Content-Type"].startswith("text/html")
    assert words in response.content.decode()
    assert response["X-Request-ID"] in response.content.decode()
    assert "Content-Security-Policy" in response


def test_a_host_that_is_not_ours_gets_a_page_with_the_policy() -> None:
    response = Client().get("/console/x", headers={"host": "evil.example"})

    assert response.status_code == 400
    assert "The request could not be read</h1>" in response.content.decode()
    assert "Content-Security-Policy" in response


@pytest.mark.usefixtures("pages")
def test_a_form_without_its_token_changes_nothing(alice: Membership) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice.account)
    response = browser.post(f"/console/{alice.organisation.slug}/gallery")

    assert response.status_code == 403
    assert "This form is out of date</h1>" in response.content.decode()


def test_programs_still_get_documents() -> None:
    response = Client().get("/api/mobile/nowhere")

    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.usefixtures("pages")
def test_who_tries_again_too_soon_is_told_when(alice: Membership) -> None:
    response = Client().get("/console/away")

    assert response["Retry-After"] == "2"
    assert "2 seconds" in response.content.decode()


@pytest.mark.usefixtures("pages")
def test_a_stranger_to_an_organisation_sees_no_shell(
    acme: Organisation, charlie: Membership
) -> None:
    response = signed_in(charlie).get(f"/console/{acme.slug}/members/")

    assert response.status_code == 404
    assert "nav-link" not in response.content.decode()
    assert "Acme" not in response.content.decode()
