"""Every page of the console, as everybody: who sees it, who may change with it, who finds nothing.

A route that the table doesn't name fails the build, as does a method that it doesn't.
"""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern

from invitations.models import Invitation
from orgs.models import Membership, MembershipKind, Organisation, Role
from semafore.kernel import clock
from semafore.kernel.checks import walk_routes
from semafore.kernel.http.console import ConsoleView
from tests import cast
from tests.console_rows import OF_THE_PLATFORM, OWN_PAGES, PREFIX, TABLE, Row, ids_of
from tests.moments import HOUR, beginning

ROLES = ("owner", "admin", "helpdesk", "auditor")
MOST_STATEMENTS = 20
"""Of any page, whoever and however many are there."""
STRANGERS = ("another organisation", "member", "guest", "suspended", "ended", "past its end")


def console_routes() -> dict[str, URLPattern]:
    return {path: pattern for path, pattern in walk_routes() if path.startswith(PREFIX)}


def methods_of(pattern: URLPattern) -> set[str]:
    view: Any = getattr(pattern.callback, "view_class", None)
    return {method for method in ("GET", "POST") if hasattr(view, method.lower())}


def stranger(who: str, acme: Organisation, alice: Membership, globex: Organisation) -> Client:
    """Somebody signed in with nothing to look for in Acme's console."""
    match who:
        case "another organisation":
            return cast.signed_in(cast.member(globex, "Charlie", Role.OWNER))
        case "member":
            return cast.signed_in(cast.member(acme, "Bob"))
        case "guest":
            person = cast.member(acme, "Gus")
            fields: dict[str, Any] = {
                "kind": MembershipKind.GUEST,
                "sponsor": alice,
                "ends_at": clock.now() + timedelta(days=1),
            }
        case "suspended":
            person, fields = cast.member(acme, "Sue", Role.OWNER), {"status": who}
        case "ended":
            person, fields = cast.member(acme, "Eve", Role.OWNER), {"status": who}
        case _:
            person = cast.member(acme, "Una", Role.OWNER)
            fields = {"ends_at": clock.now() - timedelta(seconds=1)}
    with cast.inside(acme):
        Membership.objects.filter(id=person.id).update(**fields)
    return cast.signed_in(person)


def ask(browser: Client, method: str, path: str) -> HttpResponse:
    """One request, whose changes are taken back."""
    with transaction.atomic():
        answer: HttpResponse = browser.generic(
            method, path, content_type="application/x-www-form-urlencoded"
        )  # type: ignore[assignment]  # the test client's own class of it
        transaction.set_rollback(True)
    return answer


def address(route: str, slug: str, ids: dict[str, Any]) -> str:
    """The route with its arguments filled in."""
    path = "/" + route.replace("<slug:slug>", slug)
    about = {name: ids[other] for name, other in TABLE[route].about.items()}
    for name, value in {**ids, **about}.items():
        path = path.replace(f"<uuid:{name}>", str(value))
    assert "<" not in path, f"{path}: say in console_rows.py what stands for it"
    return path


def requests_of(row: Row) -> list[str]:
    return [
        method for method, roles in (("GET", row.see), ("POST", row.change)) if roles is not None
    ]


def test_every_page_and_method_stands_in_the_table() -> None:
    found = {path: methods_of(pattern) for path, pattern in console_routes().items()}
    assert found == {path: set(requests_of(row)) for path, row in TABLE.items()}


def test_every_page_of_an_organisation_enters_it() -> None:
    for path, pattern in console_routes().items():
        view: Any = getattr(pattern.callback, "view_class", None)
        assert issubclass(view, ConsoleView), path
        assert view.sensitive is TABLE[path].sensitive, path


@pytest.mark.parametrize("who", STRANGERS)
def test_strangers_find_nothing(
    acme: Organisation, globex: Organisation, alice: Membership, who: str
) -> None:
    """The same page as for an organisation that there is not."""
    browser = stranger(who, acme, alice, globex)
    ids = ids_of(acme, alice)
    for path, row in sorted(TABLE.items()):
        for method in requests_of(row):
            answer = ask(browser, method, address(path, acme.slug, ids))
            nowhere = ask(browser, method, address(path, "nowhere-at-all", ids))
            assert (answer.status_code, nowhere.status_code) == (404, 404), (method, path)
            assert plain(answer) == plain(nowhere), (method, path)


def plain(answer: HttpResponse) -> str:
    """A page without the request's own id."""
    return answer.content.decode().replace(answer["X-Request-ID"], "")


def test_who_is_not_signed_in_is_sent_to_sign_in(acme: Organisation, alice: Membership) -> None:
    ids = ids_of(acme, alice)
    for path, row in sorted(TABLE.items()):
        for method in requests_of(row):
            answer = ask(Client(), method, address(path, acme.slug, ids))
            assert answer.status_code == 302, (method, path)
            assert answer["Location"].startswith("/console/sign-in?next="), (method, path)


@pytest.mark.parametrize("role", ROLES)
def test_roles_see_and_change_what_the_table_says(
    acme: Organisation, alice: Membership, role: str
) -> None:
    browser = cast.signed_in(cast.member(acme, role, Role(role)))
    ids = ids_of(acme, alice)
    for path, row in sorted(TABLE.items()):
        for method, roles in (("GET", row.see), ("POST", row.change)):
            if roles is None:
                continue
            status = ask(browser, method, address(path, acme.slug, ids)).status_code
            if role in roles:
                assert status in {200, 302, 409, 422}, (method, path, status)
            else:
                assert status == 403, (method, path, status)


def test_the_duty_approver_alone_opens_an_emergency_room(
    acme: Organisation, alice: Membership
) -> None:
    page = address(f"{PREFIX}rooms/emergency", acme.slug, ids_of(acme, alice))
    browser = cast.signed_in(alice)
    assert ask(browser, "GET", page).status_code == 200
    assert ask(browser, "POST", page).status_code == 422


def test_what_belongs_to_another_organisation_is_not_found(
    acme: Organisation, globex: Organisation, alice: Membership, charlie: Membership
) -> None:
    browser = cast.signed_in(alice)
    theirs, nobodys = ids_of(globex, charlie), {}
    for name in theirs:
        nobodys[name] = uuid4()
    for path, row in sorted(TABLE.items()):
        if "<uuid:" not in path or path in OF_THE_PLATFORM:
            continue
        for method in requests_of(row):
            answer = ask(browser, method, address(path, acme.slug, theirs))
            missing = ask(browser, method, address(path, acme.slug, nobodys))
            assert (answer.status_code, missing.status_code) == (404, 404), (method, path)
            assert plain(answer) == plain(missing), (method, path)


def test_sensitive_pages_ask_for_the_factor_again(acme: Organisation, alice: Membership) -> None:
    browser = cast.signed_in(alice, proven=False)
    ids = ids_of(acme, alice)
    for path, row in sorted(TABLE.items()):
        for method in requests_of(row):
            answer = ask(browser, method, address(path, acme.slug, ids))
            asked = answer.status_code == 302 and "/console/step-up?next=" in answer["Location"]
            assert asked is row.sensitive, (method, path)


# Pages of no organisation


def own_routes() -> dict[str, URLPattern]:
    return {
        path: pattern
        for path, pattern in walk_routes()
        if path.startswith(("console/", "i/")) and not path.startswith(PREFIX)
    }


def test_every_page_of_no_organisation_stands_in_its_table() -> None:
    assert set(own_routes()) == set(OWN_PAGES)


@pytest.mark.parametrize("path", sorted(OWN_PAGES))
def test_own_pages_are_for_whom_the_table_says(alice: Membership, path: str) -> None:
    who = OWN_PAGES[path]
    target = "/" + path.replace("<uuid:session_id>", str(uuid4())).replace("<str:token>", "x" * 43)
    signed_in, unproven = cast.signed_in(alice), cast.signed_in(alice, proven=False)
    for method in methods_of(own_routes()[path]):
        anonymous = ask(Client(), method, target).get("Location", "")
        assert anonymous.startswith("/console/sign-in?next=") is (who != "public"), method
        assert (
            not ask(signed_in, method, target)
            .get("Location", "")
            .startswith(("/console/sign-in?next=", "/console/step-up?next="))
        ), method
        asked_again = ask(unproven, method, target).get("Location", "")
        assert asked_again.startswith("/console/step-up?next=") is (who == "sensitive"), method


# The operator's site


def operator_routes() -> list[str]:
    return [path for path, _ in walk_routes() if path.startswith("operator/")]


@pytest.mark.parametrize("who", ["anonymous", "owner", "operator"])
def test_the_operators_site_is_for_operators(alice: Membership, who: str) -> None:
    if who == "operator":
        alice.account.is_operator = True
        alice.account.save(update_fields=["is_operator"])
    browser = Client() if who == "anonymous" else cast.signed_in(alice)
    for path in operator_routes():
        if path in {"operator/login/", "operator/logout/"}:
            continue
        target = "/" + re.sub(r"<[^>]+>|\(\?P<[^)]+\)|[\^$]", "1", path)
        for method in ("GET", "POST"):
            answer = ask(browser, method, target)
            inside = answer.status_code != 302 or "/operator/login/" not in answer["Location"]
            assert inside is (who == "operator"), (method, target, answer.status_code)


def test_whoever_is_no_operator_is_sent_where_they_belong(alice: Membership) -> None:
    assert Client().get("/operator/login/")["Location"] == "/console/sign-in?next=%2Foperator%2F"
    assert cast.signed_in(alice).get("/operator/login/")["Location"] == "/console/"


def test_an_operators_change_asks_for_the_factor_again(alice: Membership) -> None:
    alice.account.is_operator = True
    alice.account.save(update_fields=["is_operator"])
    browser = cast.signed_in(alice, proven=False)
    answer = browser.post("/operator/orgs/organisation/add/", {"name": "New", "slug": "new"})
    assert answer["Location"].startswith("/console/step-up?next=")
    assert not Organisation.objects.filter(slug="new").exists()


def test_an_operator_founds_an_organisation_and_sees_no_more(alice: Membership) -> None:
    alice.account.is_operator = True
    alice.account.save(update_fields=["is_operator"])
    browser = cast.signed_in(alice)
    form = {
        "name": "Initech",
        "slug": "initech",
        "sla_notice_hours": "72",
        "first_owner_name": "Ina",
        "first_owner_email": "Ina@initech.example",
        "second_owner_name": "Jon",
        "second_owner_email": "ina@initech.example",
    }
    assert browser.post("/operator/orgs/organisation/add/", form).status_code == 200
    form |= {"second_owner_email": "jon@initech.example", "sla_notice_hours": "2147483647"}
    refused = browser.post("/operator/orgs/organisation/add/", form)
    assert "less than or equal to 8760" in refused.text
    assert not Organisation.objects.filter(slug="initech").exists()
    form["sla_notice_hours"] = "72"
    answer = browser.post("/operator/orgs/organisation/add/", form)
    assert answer.status_code == 302
    initech = Organisation.objects.get(slug="initech")
    with cast.inside(initech):
        founding = Invitation.objects.order_by("name").values_list("email", "purpose", "role")
        assert list(founding) == [
            ("ina@initech.example", "founding", "owner"),
            ("jon@initech.example", "founding", "owner"),
        ]
    shown = browser.get(f"/operator/orgs/organisation/{initech.id}/change/")
    assert shown.status_code == 200
    assert "ina@initech.example" not in shown.content.decode()
    assert browser.post(shown.wsgi_request.path, {"name": "Mine"}).status_code == 403
    assert browser.get(f"/operator/orgs/organisation/{initech.id}/delete/").status_code == 403
    assert browser.get("/operator/orgs/account/").status_code == 404


@pytest.mark.parametrize("slug", ["account", "sign-in"])
def test_no_organisation_is_called_like_a_page(alice: Membership, slug: str) -> None:
    alice.account.is_operator = True
    alice.account.save(update_fields=["is_operator"])
    form = {"name": "X", "slug": slug, "sla_notice_hours": "72"}
    for which in ("first", "second"):
        form |= {f"{which}_owner_name": which, f"{which}_owner_email": f"{which}@x.example"}
    answer = cast.signed_in(alice).post("/operator/orgs/organisation/add/", form)
    assert "address of the console" in answer.content.decode()


def test_no_page_asks_more_of_five_hundred_members(acme: Organisation, alice: Membership) -> None:
    ids = ids_of(acme, alice)
    pages = [
        address(path, acme.slug, ids) for path, row in sorted(TABLE.items()) if row.see is not None
    ]

    def statements(browser: Client, target: str) -> int:
        with CaptureQueriesContext(connection) as sent:
            assert browser.get(target).status_code in {200, 302}, target
        return len(sent)

    # The first page of a session is recorded, and within an hour the first look at mere looks: no
    # hour may end on the way.
    with beginning(HOUR):
        browser = cast.signed_in(alice)
        for target in pages:
            browser.get(target)
        few = {target: statements(browser, target) for target in pages}
        cast.crowd(acme, 500)
        many = {target: statements(browser, target) for target in pages}

    assert many == few
    for target, number in many.items():
        # It counts what would go, with a statement for each kind of row.
        most = 2 * MOST_STATEMENTS if "/retention/" in target else MOST_STATEMENTS
        assert number <= most, target
