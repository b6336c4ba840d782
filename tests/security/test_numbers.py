"""What a member could do with the change of a number: text the world, switch, stall."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from pytest_django import Settings

from invitations.models import PhoneChange
from invitations.selectors.phone_changes import waiting_phone_changes
from invitations.services.phone_changes import approve_phone_change, request_phone_change
from orgs.models import Membership, Organisation, Role
from semafore.kernel import clock
from semafore.kernel.problems import NotFound, NotPermitted
from tests import cast
from tests.at_once import at_once
from tests.invitations.onboarding import acts

NEW, OTHER = "+447700902001", "+447700902002"


@pytest.fixture(autouse=True)
def outbox(settings: Settings, tmp_path: Any) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 1_000_000
    settings.SMS_FILE = str(tmp_path / "sms.jsonl")


@pytest.mark.django_db
def test_a_member_texts_a_few_numbers_an_hour(acme: Organisation, bob_phone: cast.Phone) -> None:
    numbers = [f"+4477009030{count:02}" for count in range(6)]
    for number in numbers[:3]:
        bob_phone.api.change_phone(number)
    for number in numbers[3:]:
        ask = partial(bob_phone.api.change_phone, number)
        assert acts.refused(ask) == (429, "code_limit")
    acts.work(acme)
    assert [len(acts.texts(number)) for number in numbers] == [1, 1, 1, 0, 0, 0]
    with clock.moved_by(timedelta(minutes=61)):
        bob_phone.api.change_phone(numbers[3])


@pytest.mark.django_db
def test_nobody_approves_another_number_than_they_saw(
    acme: Organisation, alice: Membership, bob_phone: cast.Phone
) -> None:
    bob_phone.api.change_phone(NEW)
    bob_phone.api.prove_phone(acts.code_for(acme, NEW))
    with acts.acting(alice):
        seen = waiting_phone_changes().get()
    bob_phone.api.change_phone(OTHER)
    bob_phone.api.prove_phone(acts.code_for(acme, OTHER))
    with acts.acting(alice), pytest.raises(NotFound):
        approve_phone_change(phone_change_id=seen.id)


@pytest.mark.django_db
def test_the_helpdesk_gives_no_owner_another_number(
    acme: Organisation, alice_phone: cast.Phone
) -> None:
    hal, adam = cast.member(acme, "Hal", Role.HELPDESK), cast.member(acme, "Adam", Role.ADMIN)
    alice_phone.api.change_phone(NEW)
    alice_phone.api.prove_phone(acts.code_for(acme, NEW))
    with acts.acting(hal):
        change = waiting_phone_changes().get()
        with pytest.raises(NotPermitted):
            approve_phone_change(phone_change_id=change.id)
    with acts.acting(adam):
        approve_phone_change(phone_change_id=change.id)


@pytest.mark.usefixtures("committed")
def test_asking_and_approving_at_once_wait_for_each_other() -> None:
    acme = cast.organisation("Acme")
    ann, bob = cast.member(acme, "Ann", Role.ADMIN), cast.member(acme, "Bob")

    def ask(number: str) -> Any:
        with acts.in_organisation(acme.id):
            return request_phone_change(membership_id=bob.id, phone=number)

    def decide(change: PhoneChange) -> Any:
        with acts.acting(ann):
            return approve_phone_change(phone_change_id=change.id)

    for round_ in range(6):
        change = ask(f"+4477009040{round_:02}")
        with acts.in_organisation(acme.id):
            PhoneChange.objects.filter(id=change.id).update(proved_at=clock.now())
        outcomes = at_once(partial(decide, change), partial(ask, f"+4477009050{round_:02}"))
        kinds = {type(one).__name__ for one in outcomes}
        assert kinds <= {"PhoneChange", "NotFound", "CodeLimit", "PhoneChangeState"}, outcomes
        with acts.in_organisation(acme.id):
            PhoneChange.objects.filter(decided_at=None).delete()
