"""An owner whom no other owner can help: two operators, each with the form, on their own site."""

import pytest
from django.test import Client
from django.urls import reverse

from orgs.models import Factor, Membership, Organisation
from orgs.selectors.sign_in import has_factor
from orgs.services.accounts import create_operator
from orgs.services.factors import verify_factor
from semafore.kernel.actor import SYSTEM, acting_as
from tests import cast
from tests.orgs.sign_in.people import PASSWORD, Person, person

pytestmark = pytest.mark.usefixtures("db")


def operator(number: int) -> Client:
    with acting_as(SYSTEM):
        account = create_operator(email=f"op{number}@semafore.example", password=PASSWORD)
    return cast.browser_of(account)


def page(of: Organisation) -> str:
    return reverse("operator:reset_factor", args=[of.id])


@pytest.fixture
def owner(alice: Membership) -> Person:
    """Alice, with an authenticator."""
    return person(alice)


def form(owner: Person, **other: str) -> dict[str, str]:
    return {"email": owner.email.upper(), "reason": "A call to the number on file", **other}


def test_two_operators_reset_it(acme: Organisation, owner: Person) -> None:
    first, second = operator(1), operator(2)
    assert "Reset an owner" in first.get(f"/operator/orgs/organisation/{acme.id}/change/").text
    asked = first.post(page(acme), form(owner), follow=True)
    assert "once another operator" in asked.text
    again = first.post(page(acme), form(owner))
    assert again.status_code == 422
    assert "A call to the number" in again.text, "what was typed is kept"
    assert has_factor(owner.account)
    done = second.post(page(acme), form(owner), follow=True)
    assert "is reset" in done.text
    assert not has_factor(owner.account)
    (event,) = cast.events(acme, "factor_reset.approved")
    assert event["data"]["reason"] == "A call to the number on file"


def test_the_site_names_nobody_and_knows_owners_of_this_organisation_alone(
    acme: Organisation, globex: Organisation, owner: Person, bob: Membership
) -> None:
    browser = operator(1)
    assert owner.email not in browser.get(page(acme)).text
    answers = [
        browser.post(page(globex), form(owner)),
        browser.post(page(acme), form(owner, email="nobody@acme.example")),
        browser.post(page(acme), form(owner, email=bob.account.email or "bob@acme.example")),
    ]
    assert {answer.status_code for answer in answers} == {422}
    assert all("No owner of this organisation" in answer.text for answer in answers)
    assert not cast.events(acme, "factor_reset.requested")


def test_a_factor_under_a_lost_key_lets_nobody_in(
    owner: Person, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even an error page: the person has recovery codes."""
    factor = Factor.objects.get(account=owner.account)
    factor.sealed_key = b"sealed under another key"
    factor.save()
    with acting_as(SYSTEM):
        assert not verify_factor(account=owner.account, code=owner.code)
        assert verify_factor(account=owner.account, code=owner.recovery_codes[0])
    assert "FIELD_KEYS lacks" in caplog.text
