"""A member's new number: a code there, then an administrator; and retries of the request."""

from datetime import timedelta

import pytest

from invitations.errors import PhoneChangeState, PhoneInUse
from invitations.models import PhoneChange
from invitations.selectors.phone_changes import decided_phone_changes, waiting_phone_changes
from invitations.services.phone_changes import approve_phone_change, deny_phone_change
from orgs.errors import OwnRequest
from orgs.models import Account, Membership, Organisation, Role
from semafore.kernel import clock
from semafore.kernel.problems import NotFound
from semafore.kernel.tasks import drop_idempotent_answers
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.api import ApiProblem
from tests import cast
from tests.invitations.onboarding import acts
from tests.invitations.onboarding.acts import refused

pytestmark = pytest.mark.django_db

NEW = "+447700902001"


def proved(phone: cast.Phone, number: str = NEW) -> PhoneChange:
    """A change that waits for approval."""
    phone.api.change_phone(number)
    phone.api.prove_phone(acts.code_for(phone.device.membership.organisation, number))
    with organisation_scope(phone.device.organisation_id):
        return waiting_phone_changes().get(membership_id=phone.device.membership_id)


def number_of(person: Membership) -> tuple[str, str | None]:
    """What the organisation knows, and what the account has."""
    with organisation_scope(person.organisation_id):
        now = Membership.objects.select_related("account").get(id=person.id)
        return now.phone, now.account.phone


def test_a_new_number_is_proved_and_approved(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: cast.Phone
) -> None:
    asked = bob_phone.api.change_phone("+44 7700 902001")
    assert asked == {"phone_hint": "…001", "status": "phone"}
    wrong = acts.another(acts.code_for(acme, NEW))
    with pytest.raises(ApiProblem) as caught:
        bob_phone.api.prove_phone(wrong)
    assert (caught.value.code, caught.value.body["attempts_left"]) == ("code_wrong", 4)
    code = acts.code_for(acme, NEW)
    assert bob_phone.api.prove_phone(code)["status"] == "awaiting_approval"
    assert refused(lambda: bob_phone.api.prove_phone(code)) == (409, "phone_change_state")
    assert number_of(bob) == (bob.phone, bob.phone)
    with acts.acting(alice):
        change = waiting_phone_changes().get()
        approve_phone_change(phone_change_id=change.id)
        assert [one.id for one in decided_phone_changes()] == [change.id]
        with pytest.raises(PhoneChangeState, match=r"^Alice approved this change on"):
            approve_phone_change(phone_change_id=change.id)
    assert number_of(bob) == (NEW, NEW)


def test_a_denied_change_changes_nothing(
    alice: Membership, bob: Membership, bob_phone: cast.Phone
) -> None:
    change = proved(bob_phone)
    with acts.acting(alice):
        deny_phone_change(phone_change_id=change.id, reason="Not Bob.")
    assert number_of(bob) == (bob.phone, bob.phone)


def test_nobody_decides_about_themselves_or_others_organisations(
    alice: Membership, alice_phone: cast.Phone, charlie: Membership
) -> None:
    change = proved(alice_phone)
    with acts.acting(alice), pytest.raises(OwnRequest):
        approve_phone_change(phone_change_id=change.id)
    for decide in (approve_phone_change, lambda **ids: deny_phone_change(reason="No.", **ids)):
        with acts.acting(charlie), pytest.raises(NotFound):
            decide(phone_change_id=change.id)


def test_a_number_of_another_organisations_person_moves_at_approval(
    alice: Membership, bob: Membership, bob_phone: cast.Phone, charlie: Membership
) -> None:
    change = proved(bob_phone, charlie.phone)
    assert number_of(charlie) == (charlie.phone, charlie.phone)
    with acts.acting(alice):
        approve_phone_change(phone_change_id=change.id)
    assert number_of(charlie) == (charlie.phone, None)
    assert Account.objects.get(phone=charlie.phone).id == bob.account_id


def test_a_colleagues_number_is_refused(
    alice: Membership, bob_phone: cast.Phone, acme: Organisation
) -> None:
    change = proved(bob_phone, alice.phone)
    other = cast.member(acme, "Erin", Role.ADMIN)
    with acts.acting(other), pytest.raises(PhoneInUse):
        approve_phone_change(phone_change_id=change.id)


def test_the_own_number_and_none_are_refused(bob: Membership, bob_phone: cast.Phone) -> None:
    assert refused(lambda: bob_phone.api.change_phone(bob.phone)) == (409, "phone_unchanged")
    assert refused(lambda: bob_phone.api.change_phone("hello")) == (422, "phone_invalid")
    assert refused(lambda: bob_phone.api.prove_phone("123456")) == (409, "phone_change_state")


def test_asking_for_another_takes_the_place_of_the_first(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: cast.Phone
) -> None:
    first = proved(bob_phone)
    bob_phone.api.change_phone("+447700902002")
    bob_phone.api.prove_phone(acts.code_for(acme, "+447700902002"))
    with acts.acting(alice):
        with pytest.raises(NotFound):
            approve_phone_change(phone_change_id=first.id)
        approve_phone_change(phone_change_id=waiting_phone_changes().get().id)
    assert number_of(bob)[0] == "+447700902002"


def test_a_retry_with_its_key_answers_the_same_and_asks_for_nothing(
    acme: Organisation, bob_phone: cast.Phone, alice_phone: cast.Phone
) -> None:
    answer = bob_phone.api.change_phone(NEW, idempotency_key="k1")
    assert bob_phone.api.change_phone(NEW, idempotency_key="k1") == answer
    assert acts.proof(acme, NEW).requests == 1
    assert refused(lambda: bob_phone.api.change_phone("+447700902002", idempotency_key="k1")) == (
        422,
        "idempotency_key_reused",
    )
    # Another caller's key is another key, and without one it is another request.
    alice_phone.api.change_phone("+447700902003", idempotency_key="k1")
    assert refused(lambda: bob_phone.api.change_phone(NEW)) == (429, "code_limit")
    assert refused(lambda: bob_phone.api.change_phone(NEW, idempotency_key=" ")) == (422, "invalid")


def test_a_refusal_is_not_kept_and_answers_are_swept(
    acme: Organisation, bob: Membership, bob_phone: cast.Phone
) -> None:
    assert refused(lambda: bob_phone.api.change_phone(bob.phone, idempotency_key="k1")) == (
        409,
        "phone_unchanged",
    )
    bob_phone.api.change_phone(NEW, idempotency_key="k1")
    with clock.moved_by(timedelta(hours=25)):
        assert drop_idempotent_answers.run() == 1
