"""A lost second factor: two people reset it, neither is the person, and a link sets up the next."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from orgs.errors import FactorResetDecided, FactorResetPending, MembershipTransition, OwnRequest
from orgs.models import Account, FactorReset, Membership, MembershipStatus, Organisation, Role
from orgs.selectors.sign_in import has_factor, pending_factor_resets
from orgs.services.accounts import create_operator
from orgs.services.factor_resets import (
    approve_factor_reset,
    deny_factor_reset,
    operator_reset_factor,
    request_factor_reset,
)
from orgs.tasks import deliver_waiting_mail
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, Actor, ActorKind, acting_as
from semafore.kernel.problems import NotFound, NotPermitted
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.at_once import at_once
from tests.orgs.sign_in.people import (
    PASSWORD,
    STEP,
    Person,
    code_of,
    key_on,
    person,
    text_of,
)


@contextmanager
def by(who: Membership) -> Iterator[None]:
    """Who acts, in their organisation."""
    actor = Actor(kind=ActorKind.MEMBER, id=who.id, label=who.name, membership_id=who.id)
    with acting_as(actor), organisation_scope(who.organisation_id):
        yield


@contextmanager
def by_operator(operator_id: UUID, of: Organisation) -> Iterator[None]:
    actor = Actor(kind=ActorKind.OPERATOR, id=operator_id, label="Operator")
    with acting_as(actor), organisation_scope(of.id):
        yield


def ask(who: Membership, about: Membership) -> FactorReset:
    with by(who):
        return request_factor_reset(membership_id=about.id, reason="lost phone")


def approve(who: Membership, reset: FactorReset) -> FactorReset:
    with by(who):
        return approve_factor_reset(reset_id=reset.id)


@pytest.fixture
def adam(acme: Organisation) -> Membership:
    """An administrator."""
    return cast.member(acme, "Adam", Role.ADMIN)


@pytest.fixture
def audrey(acme: Organisation) -> Person:
    """An auditor, who has lost her phone."""
    return person(cast.member(acme, "Audrey", Role.AUDITOR))


def seat(someone: Person) -> Membership:
    found: Membership = Membership._base_manager.get(account=someone.account)
    return found


def test_two_administrators_reset_it_at_once(
    alice: Membership, adam: Membership, audrey: Person, acme: Organisation
) -> None:
    audrey.sign_in()
    reset = ask(adam, seat(audrey))
    assert has_factor(audrey.account)
    assert audrey.browser.get("/console/account/").status_code == 200
    with by(alice):
        assert list(pending_factor_resets()) == [reset]

    approve(alice, reset)
    assert not has_factor(audrey.account)
    assert audrey.browser.get("/console/account/").status_code == 302
    with by(alice):
        assert not pending_factor_resets()
    asked, approved = cast.events(acme, "factor_reset.requested", "factor_reset.approved")
    assert asked["data"] == approved["data"] == {"reason": "lost phone"}


def test_owners_and_the_person_are_mailed_and_the_link_sets_up_the_next(
    alice: Membership, adam: Membership, audrey: Person
) -> None:
    approve(alice, ask(adam, seat(audrey)))
    deliver_waiting_mail()
    mails = {sent.to[0]: str(sent.body) for sent in mail.outbox}
    assert set(mails) == {alice.email, audrey.email}
    assert "Asked for by: Adam" in mails[alice.email]
    assert "Approved by: Alice" in mails[alice.email]
    assert "/console/" not in mails[alice.email]

    # The password alone leads to the mail, whatever address is typed.
    assert audrey.give_password()["Location"] == "/console/sign-in/code"
    for page in ("code", "factor"):
        answer = audrey.browser.get(f"/console/sign-in/{page}", follow=True)
        assert "Open the link that we sent you" in answer.content.decode()

    path = re.findall(r"https?://[^/]+(/\S+)", mails[audrey.email])[0]
    assert audrey.browser.get(path)["Location"] == "/console/sign-in"
    audrey.give_password()
    key = key_on(audrey.browser.get("/console/sign-in/factor"))
    assert key != audrey.key
    done = audrey.browser.post("/console/sign-in/factor", {"code": code_of(key)})
    assert "Your recovery codes" in done.content.decode()

    old = Person(audrey.account, audrey.key, audrey.recovery_codes)
    with clock.moved_by(2 * STEP):
        old.give_password()
        assert old.give_code().status_code == 200
        assert old.give_code(audrey.recovery_codes[0]).status_code == 200
        assert Person(audrey.account, key, []).sign_in().status_code == 302


def test_the_link_is_good_once_and_for_its_person(
    alice: Membership, adam: Membership, audrey: Person, acme: Organisation
) -> None:
    other = person(cast.member(acme, "Otto", Role.AUDITOR))
    approve(alice, ask(adam, seat(audrey)))
    approve(alice, ask(adam, seat(other)))
    deliver_waiting_mail()
    links = {sent.to[0]: sent.body.split("/console")[-1].split()[0] for sent in mail.outbox}
    links = {to: f"/console{rest}" for to, rest in links.items()}
    other.browser.get(links[audrey.email])
    other.give_password()
    assert other.browser.get("/console/sign-in/factor")["Location"] == "/console/sign-in/link"

    with clock.moved_by(timedelta(hours=24, seconds=1)):
        audrey.browser.get(links[audrey.email])
        audrey.give_password()
        assert audrey.browser.get("/console/sign-in/factor")["Location"] == "/console/sign-in/link"
        mail.outbox.clear()
        assert "on its way" in text_of(audrey.browser.post("/console/sign-in/link"))
        deliver_waiting_mail()
        (sent,) = mail.outbox
        assert sent.to == [audrey.email]
        audrey.browser.get(re.findall(r"https?://[^/]+(/\S+)", str(sent.body))[0])
        audrey.give_password()
        assert audrey.browser.get("/console/sign-in/factor").status_code == 200


def test_nobody_decides_alone_or_for_themselves(
    alice: Membership, adam: Membership, audrey: Person
) -> None:
    reset = ask(adam, seat(audrey))
    for who in (adam, seat(audrey)):
        with pytest.raises(OwnRequest):
            approve(who, reset)
    with pytest.raises(OwnRequest):
        ask(adam, adam)
    assert has_factor(audrey.account)


def test_an_owner_takes_an_owner(acme: Organisation, alice: Membership, adam: Membership) -> None:
    anna = cast.member(acme, "Anna", Role.ADMIN)
    reset = ask(adam, alice)
    with pytest.raises(NotPermitted):
        approve(anna, reset)
    olga = cast.member(acme, "Olga", Role.OWNER)
    approve(olga, reset)


def test_a_denial_changes_nothing(
    alice: Membership, adam: Membership, audrey: Person, acme: Organisation
) -> None:
    reset = ask(adam, seat(audrey))
    with by(alice):
        deny_factor_reset(reset_id=reset.id, reason="was not her")
    assert has_factor(audrey.account)
    with pytest.raises(FactorResetDecided):
        approve(alice, reset)
    assert cast.events(acme, "factor_reset.denied")[0]["data"] == {"reason": "was not her"}
    ask(adam, seat(audrey))


def test_a_request_lapses_after_a_day(alice: Membership, adam: Membership, audrey: Person) -> None:
    reset = ask(adam, seat(audrey))
    with pytest.raises(FactorResetPending):
        ask(alice, seat(audrey))
    with clock.moved_by(timedelta(hours=24)):
        with pytest.raises(FactorResetDecided):
            approve(alice, reset)
        with by(alice):
            assert not pending_factor_resets()
        approve(alice, ask(adam, seat(audrey)))


def test_only_active_members_of_the_own_organisation(
    acme: Organisation, alice: Membership, charlie: Membership
) -> None:
    for unknown in (charlie.id, uuid4()):
        with by(alice), pytest.raises(NotFound):
            request_factor_reset(membership_id=unknown, reason="x")
        with by(alice), pytest.raises(NotFound):
            approve_factor_reset(reset_id=unknown)
    pending = cast.member(acme, "Paul", status=MembershipStatus.PENDING)
    with pytest.raises(MembershipTransition):
        ask(alice, pending)


def test_the_last_owner_is_for_two_operators(acme: Organisation, owner: Person) -> None:
    with acting_as(SYSTEM):
        operators = [
            create_operator(email=f"op{n}@semafore.example", password=PASSWORD) for n in range(2)
        ]

    def reset(operator: Account) -> FactorReset:
        with by_operator(operator.id, acme):
            return operator_reset_factor(membership_id=seat(owner).id, reason="court")

    reset(operators[0])
    with pytest.raises(OwnRequest):
        reset(operators[0])
    Account.objects.filter(id=operators[0].id).update(is_operator=False)
    with pytest.raises(NotPermitted):
        reset(operators[1])
    assert has_factor(owner.account)
    Account.objects.filter(id=operators[0].id).update(is_operator=True)
    reset(operators[1])
    assert not has_factor(owner.account)


def test_an_operator_who_is_the_owner_is_neither_of_the_two(
    acme: Organisation, owner: Person
) -> None:
    with acting_as(SYSTEM):
        other = create_operator(email="op@semafore.example", password=PASSWORD)

    def reset(operator_id: UUID) -> None:
        with by_operator(operator_id, acme):
            operator_reset_factor(membership_id=seat(owner).id, reason="lost phone")

    with pytest.raises(OwnRequest):
        reset(owner.account.id)
    reset(other.id)
    with pytest.raises(OwnRequest):
        reset(owner.account.id)
    assert has_factor(owner.account)


def test_operators_reset_owners_alone_and_nobody_else_is_one(
    acme: Organisation, adam: Membership, alice: Membership
) -> None:
    with by_operator(uuid4(), acme), pytest.raises(NotPermitted):
        operator_reset_factor(membership_id=adam.id, reason="x")
    with by(adam), pytest.raises(NotPermitted):
        operator_reset_factor(membership_id=alice.id, reason="x")


def test_the_database_wants_two_people_too(adam: Membership, bob: Membership) -> None:
    reset = ask(adam, bob)
    with by(adam), pytest.raises(IntegrityError, match="two_people"), transaction.atomic():
        FactorReset.objects.filter(id=reset.id).update(status="approved", decided_by=adam)


def test_of_two_approvals_one_wins(committed: None) -> None:
    acme = cast.organisation("Acme")
    alice, olga = (cast.member(acme, name, Role.OWNER) for name in ("Alice", "Olga"))
    adam = cast.member(acme, "Adam", Role.ADMIN)
    audrey = person(cast.member(acme, "Audrey", Role.AUDITOR))
    reset = ask(adam, seat(audrey))
    results = at_once(lambda: approve(alice, reset), lambda: approve(olga, reset))

    assert sorted(type(result).__name__ for result in results) == [
        "FactorReset",
        "FactorResetDecided",
    ]
    assert len(cast.events(acme, "factor_reset.approved")) == 1


# Pages


def test_it_is_asked_for_and_decided_on_pages(
    acme: Organisation, alice: Membership, adam: Membership, audrey: Person
) -> None:
    browser, second = cast.signed_in(adam), cast.signed_in(alice)
    path = f"/console/{acme.slug}/members/{seat(audrey).id}/factor-reset"
    assert "Audrey" in browser.get(path).content.decode()
    assert "This field is required" in browser.post(path, {"reason": " "}).content.decode()
    decide = browser.post(path, {"reason": "lost phone"})["Location"]
    again = browser.post(path, {"reason": "lost phone"}).content.decode()
    assert "waits for its approval already" in again
    assert "lost phone" in again

    assert "has to approve" in browser.get(decide).content.decode()
    assert browser.post(decide, {"decision": "approve"}).status_code == 403
    assert "Say why" in second.post(decide, {"decision": "deny"}).content.decode()
    assert second.post(decide, {"decision": "approve"})["Location"] == decide
    assert "approved" in second.get(decide).content.decode()
    assert second.post(decide, {"decision": "approve"}).status_code == 409


@pytest.mark.parametrize("role", [Role.HELPDESK, Role.AUDITOR])
def test_others_may_neither_ask_nor_decide(
    acme: Organisation, alice: Membership, adam: Membership, bob: Membership, role: Role
) -> None:
    browser = cast.signed_in(cast.member(acme, "Hal", role))
    reset = ask(adam, bob)
    for path in (f"members/{bob.id}/factor-reset", f"factor-resets/{reset.id}"):
        assert browser.get(f"/console/{acme.slug}/{path}").status_code == 403
        assert browser.post(f"/console/{acme.slug}/{path}").status_code == 403


def test_somebody_elses_looks_like_nobodys(
    acme: Organisation, adam: Membership, bob: Membership, charlie: Membership
) -> None:
    browser, own = cast.signed_in(charlie), charlie.organisation.slug
    reset = ask(adam, bob)
    for path, known in (("members/{}/factor-reset", bob.id), ("factor-resets/{}", reset.id)):
        texts = {
            text_of(browser.get(f"/console/{own}/{path.format(one)}")) for one in (known, uuid4())
        }
        assert len(texts) == 1
        assert browser.get(f"/console/{acme.slug}/{path.format(known)}").status_code == 404


def test_it_is_sensitive(acme: Organisation, alice: Membership, bob: Membership) -> None:
    browser = cast.signed_in(alice, proven=False)
    path = f"/console/{acme.slug}/members/{bob.id}/factor-reset"
    assert browser.get(path)["Location"].startswith("/console/step-up?")
    assert browser.post(path, {"reason": "x"})["Location"].startswith("/console/step-up?")
