"""Many at once, on connections of their own, in a database that commits."""

from collections import Counter
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from invitations.errors import CodeLocked, CodeWrong, InvitationUsed, OnboardingState
from invitations.models import Onboarding
from invitations.services.linking import issue_link_token
from invitations.services.onboarding import prove_phone, start_onboarding
from invitations.services.phone_changes import approve_phone_change, request_phone_change
from invitations.services.phone_codes import check_code, send_code
from invitations.services.tokens import invitation_token
from keys.errors import DeviceTransition
from orgs.models import Account, Role
from orgs.services.accounts import create_account, move_phone
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.at_once import at_once
from tests.invitations.onboarding import acts

pytestmark = pytest.mark.usefixtures("committed")


def test_guesses_at_once_are_no_more_than_five() -> None:
    acme = cast.organisation("Acme")
    device = acts.client()
    device.start(invitation_token(acts.invite(acme)))
    code = acts.code_for(acme)
    guesses = [acts.another(code)] * 12
    results = at_once(
        *[partial(prove_phone, onboarding_id=device.id, code=guess) for guess in guesses]
    )
    assert Counter(map(type, results)) == {CodeWrong: 4, CodeLocked: 8}
    assert sorted(one.members["attempts_left"] for one in results if type(one) is CodeWrong) == [
        1,
        2,
        3,
        4,
    ]
    assert acts.proof(acme).tries == 5


def test_guesses_in_several_onboardings_of_a_number_are_counted_together() -> None:
    acme = cast.organisation("Acme")

    def guess(subject_id: UUID) -> Any:
        with organisation_scope(acme.id):
            return check_code(phone=acts.DANAS, subject_id=subject_id, code="123456")

    results = at_once(*[partial(guess, uuid4()) for _ in range(12)])
    assert Counter(map(type, results)) == {CodeWrong: 4, CodeLocked: 8}


def test_the_right_code_at_once_opens_one_session() -> None:
    acme = cast.organisation("Acme")
    device = acts.client()
    device.start(invitation_token(acts.invite(acme)))
    code = acts.code_for(acme)
    results = at_once(*[partial(prove_phone, onboarding_id=device.id, code=code)] * 6)
    assert Counter(type(one).__name__ for one in results) == {"Session": 1, "OnboardingState": 5}
    assert all(isinstance(one, OnboardingState) for one in results if isinstance(one, Exception))


def test_workers_at_once_send_one_message() -> None:
    acme = cast.organisation("Acme")
    acts.client().start(invitation_token(acts.invite(acme)))
    proof = acts.proof(acme)

    def work() -> None:
        with organisation_scope(acme.id):
            send_code(proof_id=proof.id)

    assert at_once(*[work] * 6) == [None] * 6
    assert len(acts.texts()) == 1


def test_two_administrators_at_once_one_wins() -> None:
    acme = cast.organisation("Acme")
    admins = [cast.member(acme, name, Role.ADMIN) for name in ("Ann", "Ben")]
    _, row = acts.register(acts.invite(acme))
    results = at_once(*[partial(acts.approve, admin, row) for admin in admins])
    lost = [one for one in results if isinstance(one, DeviceTransition)]
    assert len(lost) == 1
    winner = admins[1 - results.index(lost[0])]
    assert lost[0].detail.startswith(f"{winner.name} approved this device on ")


def test_a_link_at_once_serves_one_device() -> None:
    acme = cast.organisation("Acme")
    phone = cast.phone(cast.member(acme, "Bob"))
    token = phone.api.link_token()
    results = at_once(*[partial(start_onboarding, token=token)] * 4)
    assert Counter(type(one).__name__ for one in results) == {"Started": 1, "InvitationUsed": 3}
    assert all(isinstance(one, InvitationUsed) for one in results if isinstance(one, Exception))

    def issue() -> Any:
        with organisation_scope(acme.id):
            return issue_link_token(device_id=phone.id)

    again = phone.api.link_token()
    results = at_once(*[issue] * 3, *[partial(start_onboarding, token=again)] * 3)
    assert not [one for one in results if isinstance(one, Exception) and not hasattr(one, "code")]


def test_an_invitation_at_once_is_one_onboarding() -> None:
    acme = cast.organisation("Acme")
    token = invitation_token(acts.invite(acme))
    results = at_once(*[partial(start_onboarding, token=token)] * 4)
    assert len({one.onboarding.id for one in results}) == 1
    with organisation_scope(acme.id):
        assert Onboarding.objects.count() == 1


def test_one_number_at_once_ends_with_one_account() -> None:
    with acting_as(SYSTEM):
        accounts = [create_account(phone=None if n else acts.DANAS) for n in range(6)]
    results = at_once(*[partial(move_phone, account=one, phone=acts.DANAS) for one in accounts])
    assert results == [None] * 6
    assert Account.objects.filter(phone=acts.DANAS).count() == 1


def test_the_same_request_at_once_is_one_request() -> None:
    acme = cast.organisation("Acme")
    bob = cast.member(acme, "Bob")
    phones = cast.phone(bob)
    phones.api.token()
    results = at_once(*[partial(phones.api.change_phone, acts.DANAS, idempotency_key="k")] * 4)
    assert results == [{"phone_hint": "…001", "status": "phone"}] * 4
    assert acts.proof(acme).requests == 1


def test_deciding_about_a_number_at_once_decides_once() -> None:
    acme = cast.organisation("Acme")
    admins = [cast.member(acme, name, Role.ADMIN) for name in ("Ann", "Ben")]
    bob = cast.member(acme, "Bob")
    with acts.in_organisation(acme.id):
        change = request_phone_change(membership_id=bob.id, phone=acts.DANAS)
    code = acts.code_for(acme)
    with acts.in_organisation(acme.id):
        assert check_code(phone=acts.DANAS, subject_id=change.id, code=code) is None
        change.proved_at = change.requested_at
        change.save()

    def decide(admin: Any) -> Any:
        with acts.acting(admin):
            return approve_phone_change(phone_change_id=change.id)

    results = at_once(*[partial(decide, admin) for admin in admins])
    assert Counter(type(one).__name__ for one in results) == {
        "PhoneChange": 1,
        "PhoneChangeState": 1,
    }
