"""SMS backends, against a server that answers as the services do, or worse."""

import base64
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs
from uuid import UUID

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from invitations.checks import production_sends_messages
from invitations.sms.backends import SmsError, Template, load, send
from tests.deployment import free_port
from tests.invitations.services_of_sms import SmsService, service

__all__ = ("service",)

PHONE, CODE = "+447922300123", "493817"
ACCOUNT, AUTH_TOKEN = "AC0123456789", "twilio-auth-token-of-the-test"
NOTIFY_SECRET = str(UUID(int=0xABCDEF0123456789))
NOTIFY_KEY = f"test-{UUID(int=7)}-{NOTIFY_SECRET}"


@pytest.fixture
def twilio(settings: Settings, service: SmsService) -> SmsService:
    settings.SMS_BACKEND, settings.SMS_TIMEOUT_SECONDS = "twilio", 60
    settings.TWILIO_BASE_URL = service.url
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = ACCOUNT, AUTH_TOKEN
    settings.TWILIO_FROM = "SemaFore"
    service.answers(201, {"sid": "SM1", "status": "queued"})
    return service


@pytest.fixture
def notify(settings: Settings, service: SmsService) -> SmsService:
    settings.SMS_BACKEND, settings.SMS_TIMEOUT_SECONDS = "notify", 60
    settings.NOTIFY_BASE_URL, settings.NOTIFY_API_KEY = service.url, NOTIFY_KEY
    settings.NOTIFY_TEMPLATES = {template.value: f"id of {template}" for template in Template}
    service.answers(201, {"id": "740e5834-3a29-46b4-9a6f-16142fde533a"})
    return service


@pytest.fixture(params=["twilio", "notify"])
def either(request: pytest.FixtureRequest) -> SmsService:
    found: SmsService = request.getfixturevalue(request.param)
    return found


def send_code() -> None:
    send(to=PHONE, template=Template.PHONE_CODE, values={"code": CODE})


def test_twilio_is_sent_a_form(twilio: SmsService) -> None:
    send_code()

    ((path, headers, body),) = twilio.requests
    assert path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    signed = base64.b64encode(f"{ACCOUNT}:{AUTH_TOKEN}".encode()).decode()
    assert headers["Authorization"] == f"Basic {signed}"
    sent = parse_qs(body)
    assert (sent["To"], sent["From"]) == ([PHONE], ["SemaFore"])
    assert sent["Body"][0].startswith(CODE)


def test_a_messaging_service_is_named_as_such(twilio: SmsService, settings: Settings) -> None:
    settings.TWILIO_FROM = "MG0123"
    send_code()

    sent = parse_qs(twilio.requests[0][2])
    assert sent["MessagingServiceSid"] == ["MG0123"]
    assert "From" not in sent


def test_notify_is_sent_a_template_and_its_values(notify: SmsService) -> None:
    send_code()

    ((path, headers, body),) = notify.requests
    assert path == "/v2/notifications/sms"
    assert headers["Authorization"].startswith("Bearer ")
    assert json.loads(body) == {
        "phone_number": PHONE,
        "template_id": "id of phone_code",
        "personalisation": {"code": CODE},
    }


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (400, True),
        (401, True),
        (403, True),
        (404, True),
        (408, False),
        (429, False),
        (500, False),
        (502, False),
        (503, False),
    ],
)
def test_refusals_are_for_good_or_for_now(
    either: SmsService, status: int, permanent: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    # What they answer may repeat what they were sent.
    either.answers(status, {"code": 21211, "message": f"{PHONE} {CODE} {AUTH_TOKEN}"})
    with pytest.raises(SmsError) as caught:
        send_code()

    assert caught.value.permanent is permanent
    assert str(status) in str(caught.value)
    assert_keeps_secrets(caught.value)


def assert_keeps_secrets(error: SmsError) -> None:
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    for secret in (CODE, AUTH_TOKEN, NOTIFY_SECRET, PHONE):
        assert secret not in f"{error!r} {error.reason}"


def test_a_redirection_is_not_followed(twilio: SmsService) -> None:
    twilio.answers(302, {})
    with pytest.raises(SmsError, match="302") as caught:
        send_code()
    assert caught.value.permanent


def test_the_reason_names_the_services_own_code(twilio: SmsService) -> None:
    twilio.answers(400, {"code": 21211, "message": "Invalid 'To' Phone Number"})
    with pytest.raises(SmsError, match=r"answered 400 \(error 21211\)\."):
        send_code()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b"{}", b'{"sid": 7}', b"\xff"])
def test_an_answer_that_makes_no_sense_is_tried_again(either: SmsService, body: bytes) -> None:
    either.answers(201, body)
    with pytest.raises(SmsError, match="makes no sense") as caught:
        send_code()
    assert not caught.value.permanent


def test_a_service_that_hangs_is_left(either: SmsService, settings: Settings) -> None:
    either.hangs = True
    settings.SMS_TIMEOUT_SECONDS = 1
    with pytest.raises(SmsError, match="could not be reached") as caught:
        send_code()
    assert not caught.value.permanent
    assert_keeps_secrets(caught.value)


def test_a_service_that_is_away_is_tried_again(either: SmsService, settings: Settings) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    settings.TWILIO_BASE_URL = settings.NOTIFY_BASE_URL = nowhere
    with pytest.raises(SmsError, match="could not be reached") as caught:
        send_code()
    assert not caught.value.permanent


@pytest.mark.parametrize("logged", ["twilio", "notify"])
def test_no_code_is_logged(
    request: pytest.FixtureRequest, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    """At the levels that settings.LOGGING sets."""
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
    assert not logging.getLogger("notifications_python_client").isEnabledFor(logging.WARNING)
    service: SmsService = request.getfixturevalue(logged)
    service.answers(400, {"errors": [{"error": "BadRequestError", "message": CODE}]})
    with pytest.raises(SmsError):
        send_code()
    assert CODE not in caplog.text


def test_the_file_backend_appends_lines(settings: Settings, tmp_path: Path) -> None:
    settings.SMS_BACKEND, settings.SMS_FILE = "file", str(tmp_path / "sms.jsonl")
    send_code()
    send(to=PHONE, template=Template.INVITATION, values={"organisation": "Acme", "link": "x"})

    lines = [json.loads(line) for line in (tmp_path / "sms.jsonl").read_text().splitlines()]
    assert [line["template"] for line in lines] == ["phone_code", "invitation"]
    assert lines[0]["to"] == PHONE
    assert CODE in lines[0]["text"]


def test_the_console_backend_prints(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.SMS_BACKEND = "console"
    send_code()
    assert f"SMS to {PHONE}: {CODE}" in capsys.readouterr().out


def test_a_package_that_is_missing_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SMS_BACKEND = "notify"
    monkeypatch.delitem(sys.modules, "invitations.sms.notify", raising=False)
    monkeypatch.setitem(sys.modules, "notifications_python_client.errors", None)
    with pytest.raises(ImproperlyConfigured, match=r"requirements/notify\.txt"):
        load()


@pytest.mark.parametrize(("backend", "errors"), [("file", 1), ("console", 1), ("twilio", 0)])
def test_production_sends(settings: Settings, backend: str, errors: int) -> None:
    settings.SMS_BACKEND = backend
    found = production_sends_messages()
    assert [error.id for error in found] == ["invitations.E001"] * errors


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SMS_BACKEND": "pigeon"}, "SMS_BACKEND is 'pigeon'"),
        ({"SMS_BACKEND": "twilio"}, "TWILIO_ACCOUNT_SID is not set"),
        ({"SMS_BACKEND": "notify"}, "NOTIFY_API_KEY is not set"),
        ({"ANDROID_APPS": "org.semafore:12:34"}, "ANDROID_APPS is"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(environment: dict[str, str], said: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "import semafore.settings"],
        env={**os.environ, **environment},
        cwd=django_settings.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    assert said in ended.stderr
