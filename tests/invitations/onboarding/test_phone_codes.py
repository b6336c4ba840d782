"""Codes: five tries over all onboardings of a number, throttles, messages that aren't taken."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from audit.tasks import settle_denials
from invitations.models import Delivery, Invitation, PhoneProof, PhoneQuota
from invitations.services import phone_codes
from invitations.services.tokens import invitation_token
from invitations.sms import backends
from invitations.sms.backends import SmsError
from orgs.models import Membership, Organisation
from semafore.kernel import clock
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.api import ApiProblem
from semafore.local.client.onboarding import OnboardingClient
from tests import cast
from tests.invitations.onboarding import acts
from tests.invitations.onboarding.acts import refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def invitation(acme: Organisation) -> Invitation:
    return acts.invite(acme)


@pytest.fixture
def device(invitation: Invitation) -> OnboardingClient:
    """Dana's, which has opened the invitation."""
    device = acts.client()
    device.start(invitation_token(invitation))
    return device


def guess(device: OnboardingClient, code: str) -> ApiProblem:
    with pytest.raises(ApiProblem) as caught:
        device.prove_phone(code)
    return caught.value


def test_the_worker_makes_the_code_and_only_its_hash_stays(
    acme: Organisation, device: OnboardingClient
) -> None:
    assert acts.proof(acme).code_hash is None
    code = acts.code_for(acme)
    proof = acts.proof(acme)
    assert (proof.delivery, proof.wanted_at) == (Delivery.SENT, None)
    assert code.encode() not in bytes(proof.code_hash or b"")
    acts.work(acme)
    assert len(acts.texts()) == 1


def test_five_wrong_codes_lock_and_the_lock_lifts(
    acme: Organisation, device: OnboardingClient
) -> None:
    code = acts.code_for(acme)
    wrong = acts.another(code)
    left = [guess(device, wrong).body["attempts_left"] for _ in range(4)]
    assert left == [4, 3, 2, 1]
    fifth = guess(device, wrong)
    assert (fifth.status, fifth.code) == (423, "code_locked")
    assert 840 < fifth.body["retry_after"] <= 900
    assert guess(device, code).code == "code_locked"
    with clock.moved_by(timedelta(minutes=14)):
        assert refused(device.send_code) == (423, "code_locked")
    with clock.moved_by(timedelta(minutes=15, seconds=1)):
        assert guess(device, wrong).body["attempts_left"] == 4
        device.send_code()
        device.prove_phone(acts.code_for(acme))


def test_starting_again_gives_no_further_tries(
    acme: Organisation, invitation: Invitation, device: OnboardingClient
) -> None:
    wrong = acts.another(acts.code_for(acme))
    for _ in range(3):
        guess(device, wrong)
    with clock.moved_by(timedelta(hours=25)):
        again = acts.client()
        again.start(invitation_token(invitation))
        assert again.id != device.id
        assert guess(again, acts.another(acts.code_for(acme))).body["attempts_left"] == 1


def test_a_code_is_good_for_five_minutes_once_and_for_its_own_onboarding(
    acme: Organisation, globex: Organisation, device: OnboardingClient
) -> None:
    code = acts.code_for(acme)
    with clock.moved_by(timedelta(minutes=5, seconds=1)):
        assert guess(device, code).code == "code_wrong"
        other = acts.client()
        other.start(invitation_token(acts.invite(globex)))
        assert guess(other, code).body["attempts_left"] == 4
        device.send_code()
        fresh = acts.code_for(acme)
        device.prove_phone(fresh)
    assert acts.proof(acme).code_hash is None


def test_wrong_codes_are_counted_in_the_log(acme: Organisation, device: OnboardingClient) -> None:
    wrong = acts.another(acts.code_for(acme))
    for _ in range(5):
        guess(device, wrong)
    with clock.moved_by(timedelta(minutes=2)):
        settle_denials()
    denied = cast.events(acme, "onboarding.refused")
    counted: Counter[str] = Counter()
    # An event for each minute: one may have ended in between.
    for what in denied:
        counted[what["data"]["reason"]] += what["attempts"]["count"]
    assert counted == {"code_wrong": 4, "code_locked": 1}
    # Six digits may stand in any timestamp: only what was said.
    assert wrong not in str([what["data"] for what in denied])


def test_codes_are_throttled_by_number(acme: Organisation, device: OnboardingClient) -> None:
    with pytest.raises(ApiProblem) as caught:
        device.send_code()
    problem = caught.value
    assert (problem.status, problem.code) == (429, "code_limit")
    assert 0 < problem.body["retry_after"] <= 30
    for minute in range(1, 5):
        with clock.moved_by(timedelta(minutes=minute)):
            device.send_code()
    with clock.moved_by(timedelta(minutes=6)):
        assert refused(device.send_code) == (429, "code_limit")
    with clock.moved_by(timedelta(minutes=61)):
        device.send_code()


def test_all_organisations_together_put_a_message_off_and_tell_nobody(
    acme: Organisation, device: OnboardingClient
) -> None:
    acts.work(acme)
    PhoneQuota.objects.update(sent=phone_codes.QUOTA_PER_HOUR)
    assert acts.DANAS not in str(PhoneQuota.objects.values())
    with clock.moved_by(timedelta(minutes=1)):
        device.send_code()
        acts.work(acme)
    assert len(acts.texts()) == 1
    with clock.moved_by(timedelta(minutes=61)):
        acts.work(acme)
        assert len(acts.texts()) == 2
    with clock.moved_by(timedelta(hours=3)):
        assert phone_codes.drop_phone_quotas() == 1


@contextmanager
def backend(monkeypatch: pytest.MonkeyPatch, error: SmsError) -> Iterator[None]:
    """The provider, which takes no message: the edge of what is ours."""

    def refuse(**_message: Any) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(backends, "send", refuse)
        yield


def test_a_message_that_is_not_taken_is_tried_again(
    acme: Organisation,
    invitation: Invitation,
    device: OnboardingClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with backend(monkeypatch, SmsError("busy", permanent=False)):
        acts.work(acme)
        acts.work(acme)
    assert (acts.proof(acme).failures, acts.proof(acme).delivery) == (1, Delivery.QUEUED)
    with clock.moved_by(timedelta(seconds=31)):
        device.prove_phone(acts.code_for(acme))


def test_a_number_that_takes_no_messages_shows_on_the_invitation(
    acme: Organisation,
    invitation: Invitation,
    device: OnboardingClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with backend(monkeypatch, SmsError("not a mobile number", permanent=True)):
        acts.work(acme)
    assert acts.proof(acme).delivery == Delivery.FAILED
    with organisation_scope(acme.id):
        invitation.refresh_from_db()
    assert (invitation.delivery, invitation.delivery_error) == ("failed", "not a mobile number")
    with clock.moved_by(timedelta(minutes=1)):
        device.send_code()
        device.prove_phone(acts.code_for(acme))
    with organisation_scope(acme.id):
        invitation.refresh_from_db()
    assert (invitation.delivery, invitation.delivery_error) == ("sent", "")


def test_a_message_that_is_never_taken_is_given_up(
    acme: Organisation, device: OnboardingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with backend(monkeypatch, SmsError("busy", permanent=False)):
        for minute in range(0, 30, 5):
            with clock.moved_by(timedelta(minutes=minute)):
                acts.work(acme)
    assert acts.proof(acme).delivery == Delivery.FAILED
    with organisation_scope(acme.id):
        assert not PhoneProof.objects.filter(wanted_at__isnull=False).exists()


def test_a_worker_is_told_once_the_request_has_committed(
    acme: Organisation, invitation: Invitation
) -> None:
    with TestCase.captureOnCommitCallbacks() as callbacks:
        acts.client().start(invitation_token(invitation))
    assert len(callbacks) == 1


def test_an_answer_tells_nothing_of_an_account_elsewhere(
    acme: Organisation, alice: Membership, charlie: Membership
) -> None:
    """Charlie's number is known at Globex, the other at none: the same body, the same SQL."""
    seen = []
    for number in (charlie.phone, "+447700901777"):
        device = acts.client()
        token = invitation_token(acts.invite(acme, phone=number))
        with CaptureQueriesContext(connection) as start:
            answer = device.start(token)
        code = acts.code_for(acme, number)
        with CaptureQueriesContext(connection) as prove:
            steps = device.prove_phone(code)
        body = acts.body(device)
        with CaptureQueriesContext(connection) as register:
            registered = device.register(body)
        with CaptureQueriesContext(connection) as approve:
            acts.approve(alice, acts.device_of(acme, registered))
        seen.append(
            (
                sorted(answer),
                answer["kind"],
                steps,
                [len(part) for part in (start, prove, register, approve)],
            )
        )
    assert seen[0] == seen[1]
