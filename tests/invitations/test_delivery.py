"""The link on its way: sent once asked for, tried again, given up, never silently lost."""

import json
from datetime import timedelta
from pathlib import Path
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any

import pytest
import redis
from celery import Celery
from django.conf import settings as django_settings
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from invitations.models import Channel, Delivery, Invitation
from invitations.services import changes
from invitations.services.delivery import DeliveryError
from invitations.services.tokens import invitation_link, invitation_token
from invitations.tasks.invitations import requeue_overdue, send_invitation
from orgs.models import Organisation
from semafore.celery import application
from semafore.kernel import clock
from tests import cast
from tests.deployment import free_port
from tests.invitations.acts import console_draft, issue, now, within
from tests.invitations.services_of_sms import SmsService, service

__all__ = ("service",)


class FailingMail(EmailBackend):
    """A mail server that refuses, as the test says."""

    error: Exception = SMTPException()

    def send_messages(self, _messages: Any) -> int:
        raise self.error


@pytest.fixture
def outbox(settings: Settings, tmp_path: Path) -> Path:
    settings.SMS_BACKEND, settings.SMS_FILE = "file", str(tmp_path / "sms.jsonl")
    return tmp_path / "sms.jsonl"


@pytest.fixture
def twilio(settings: Settings, service: SmsService) -> SmsService:
    settings.SMS_BACKEND, settings.TWILIO_BASE_URL = "twilio", service.url
    settings.SMS_TIMEOUT_SECONDS = 60
    settings.TWILIO_ACCOUNT_SID = settings.TWILIO_AUTH_TOKEN = settings.TWILIO_FROM = "x"
    service.answers(201, {"sid": "SM1"})
    return service


def queued(of: Organisation) -> list[str]:
    """Arguments of the organisation's tasks in Celery's queue, which other tests use too."""
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        found = [json.loads(raw)["headers"] for raw in client.lrange("default", 0, -1)]
    tasks = [one["argsrepr"] for one in found if one["task"] == "invitations.send"]
    return [arguments for arguments in tasks if str(of.id) in arguments]


def work(invitation: Invitation) -> Invitation:
    """What the worker does, once."""
    send_invitation.run(str(invitation.organisation_id), str(invitation.id))
    return now(invitation)


def test_the_task_is_asked_for_on_commit_and_carries_ids_alone(
    acme: Organisation, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        dan = issue(acme)
        issue(acme, channel=Channel.HAND)
        assert queued(acme) == []

    assert queued(acme) == [f"['{acme.id}', '{dan.id}']"]


def test_the_link_goes_by_sms(acme: Organisation, outbox: Path) -> None:
    dan = work(issue(acme))

    (line,) = [json.loads(line) for line in outbox.read_text().splitlines()]
    assert line["to"] == dan.phone
    assert line["text"].endswith(invitation_link(dan))
    assert "Acme" in line["text"]
    assert dan.delivery == Delivery.SENT
    (sent,) = cast.events(acme, "invitation.sent")
    assert invitation_token(dan) not in json.dumps(sent)


def test_the_link_goes_by_mail(acme: Organisation) -> None:
    dan = work(issue(acme, wanted=console_draft(name="Dan <b>& Co</b>")))

    (message,) = mail.outbox
    assert message.to == ["dan@example.org"]
    assert message.subject == "Acme invites you to SemaFore"
    assert invitation_link(dan) in message.body
    assert "Dan <b>& Co</b>," in message.body
    assert "phone" not in message.body
    assert dan.delivery == Delivery.SENT


def test_a_task_that_comes_twice_sends_once(acme: Organisation, outbox: Path) -> None:
    dan = issue(acme)
    work(dan)
    work(dan)

    assert len(outbox.read_text().splitlines()) == 1
    assert len(cast.events(acme, "invitation.sent")) == 1


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_what_ended_in_between_is_not_sent(acme: Organisation, outbox: Path, end: str) -> None:
    dan = issue(acme, valid_days=1)
    if end == "revoked":
        within(acme, changes.revoke, invitation_id=dan.id, reason="mistake")
        work(dan)
    else:
        with clock.moved_by(timedelta(days=2)):
            work(dan)

    assert not outbox.exists()
    assert now(dan).delivery == Delivery.NONE


def test_a_refusal_for_good_shows_on_the_invitation(acme: Organisation, twilio: SmsService) -> None:
    twilio.answers(400, {"code": 21211})
    dan = work(issue(acme))

    assert dan.delivery == Delivery.FAILED
    assert dan.delivery_error == "The SMS service answered 400 (error 21211)."
    (failed,) = cast.events(acme, "invitation.delivery_failed")
    assert failed["data"] == {"channel": "sms", "reason": dan.delivery_error}


def test_a_passing_failure_is_tried_again(acme: Organisation, twilio: SmsService) -> None:
    dan = issue(acme)
    twilio.answers(503, {})
    with pytest.raises(DeliveryError):
        work(dan)
    waiting = now(dan)
    twilio.answers(201, {"sid": "SM1"})

    assert (waiting.delivery, waiting.delivery_error) == (
        Delivery.QUEUED,
        "The SMS service answered 503.",
    )
    assert (work(dan).delivery, now(dan).delivery_error) == (Delivery.SENT, "")


def test_celery_tries_five_times(acme: Organisation, twilio: SmsService) -> None:
    twilio.answers(503, {})
    dan = issue(acme)
    send_invitation.apply(args=(str(acme.id), str(dan.id)))

    assert len(twilio.requests) == 5
    assert now(dan).delivery == Delivery.QUEUED


def test_after_an_hour_it_is_given_up(acme: Organisation, twilio: SmsService) -> None:
    twilio.answers(503, {})
    dan = issue(acme)
    with clock.moved_by(timedelta(minutes=59)), pytest.raises(DeliveryError):
        work(dan)
    with clock.moved_by(timedelta(minutes=61)):
        assert work(dan).delivery == Delivery.FAILED


def test_what_redis_lost_is_asked_for_again(acme: Organisation, globex: Organisation) -> None:
    lost, theirs = issue(acme), issue(globex)
    with clock.moved_by(timedelta(minutes=6)):
        issue(acme)
        requeue_overdue()

    assert queued(acme) == [f"['{acme.id}', '{lost.id}']"]
    assert queued(globex) == [f"['{globex.id}', '{theirs.id}']"]


def test_without_redis_the_act_stands(
    acme: Organisation, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    away = Celery(
        broker=f"redis://127.0.0.1:{free_port()}/0",
        broker_transport_options=django_settings.CELERY_BROKER_TRANSPORT_OPTIONS,
        set_as_current=False,
    )
    away.set_current()
    try:
        with django_capture_on_commit_callbacks(execute=True):
            dan = issue(acme)
    finally:
        application.set_current()
        away.close()
    assert now(dan).delivery == Delivery.QUEUED
    assert queued(acme) == []


def test_asked_for_again_meanwhile_is_not_settled_by_the_old_attempt(
    acme: Organisation, outbox: Path
) -> None:
    dan = issue(acme)
    old = now(dan)
    with clock.moved_by(timedelta(minutes=1)):
        within(acme, changes.new_link, invitation_id=dan.id)
        assert work(dan).delivery == Delivery.SENT
    assert invitation_link(old) not in outbox.read_text()


@pytest.mark.parametrize(
    ("error", "permanent", "said"),
    [
        (SMTPRecipientsRefused({"d@e": (550, b"no such user")}), True, "refused the address"),
        (SMTPRecipientsRefused({"d@e": (450, b"greylisted")}), False, "refused the address"),
        (SMTPServerDisconnected("gone"), False, "could not be reached"),
        (ConnectionRefusedError("secret-host"), False, "could not be reached"),
    ],
)
def test_mail_that_fails(
    acme: Organisation, settings: Settings, error: Exception, permanent: bool, said: str
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.FailingMail"
    FailingMail.error = error
    dan = issue(acme, wanted=console_draft())
    if permanent:
        work(dan)
    else:
        with pytest.raises(DeliveryError):
            work(dan)

    assert now(dan).delivery == (Delivery.FAILED if permanent else Delivery.QUEUED)
    assert said in now(dan).delivery_error
