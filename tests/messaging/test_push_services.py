"""Apple's and Google's services, as servers on sockets that answer as they do, or worse."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_django import Settings

from messaging.models import Environment, PushService
from messaging.push import apns, fcm, http
from messaging.push.backends import send
from messaging.push.outcomes import PushError, Target, TokenGoneError
from semafore.kernel import clock
from tests.messaging.push_services import (
    Apple,
    Google,
    certificates,
    google_service,
    listening,
    pem,
)

TOKEN = "5ec0de" * 11  # 66 hexadecimal digits
IPHONE = Target(PushService.APNS, Environment.PRODUCTION, TOKEN)
PIXEL = Target(PushService.FCM, Environment.PRODUCTION, "fcm-token:of_the-test")
NOBODY = "127.0.0.1:1"
"""Where nothing listens; a port that was free a moment ago may be somebody's by now."""


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[None]:
    """A process that has sent nothing yet."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    settings.PUSH_BACKEND, settings.PUSH_TIMEOUT_SECONDS = "service", 60
    settings.APNS_KEY, settings.FCM_CREDENTIALS = "", {}
    yield
    http.client().close()
    for made in (http.client, apns.provider_token, fcm.access_token):
        made.cache_clear()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def resting(
    fresh: None, folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Apple:
    """Apple's service, set up here and not listening yet."""
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "authority.pem"))
    key = ec.generate_private_key(ec.SECP256R1())
    settings.APNS_KEY, settings.APNS_KEY_ID, settings.APNS_TEAM_ID = pem(key), "KEY1", "TEAM1"
    settings.APNS_TOPIC = "org.semafore.app"
    settings.APNS_SANDBOX_URL = settings.APNS_URL = f"https://{NOBODY}"
    return Apple(key)


@pytest.fixture
def apple(resting: Apple, folder: Path, settings: Settings) -> Iterator[Apple]:
    with listening(resting, folder):
        settings.APNS_URL = resting.url
        yield resting
        http.client().close()


@pytest.fixture
def google(fresh: None, settings: Settings) -> Iterator[Google]:
    with google_service() as running:
        settings.FCM_URL, settings.FCM_CREDENTIALS = running.url, running.account
        yield running


def refused(target: Target) -> PushError:
    with pytest.raises(PushError) as caught:
        send(target)
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    assert target.token not in f"{error!r} {error.reason}"
    assert len(error.reason) <= 200
    return error


def test_apple_is_sent_a_constant_background_push_over_http_2(apple: Apple) -> None:
    send(IPHONE)

    (request,) = apple.requests
    assert request["version"] == "2"
    assert request["path"] == f"/3/device/{TOKEN}"
    assert request["body"] == b'{"aps":{"content-available":1}}'
    headers = {name: value for name, value in request.items() if name.startswith("apns-")}
    expires = int(headers.pop("apns-expiration")) - clock.now().timestamp()
    assert headers == {
        "apns-topic": "org.semafore.app",
        "apns-push-type": "background",
        "apns-priority": "5",
        "apns-collapse-id": "wake",
    }
    assert 719 * 3600 < expires <= 720 * 3600


def test_apple_sees_a_token_that_our_key_signed(apple: Apple) -> None:
    send(IPHONE)

    header, claims = apple.provider_token()
    assert (header["alg"], header["kid"], claims["iss"]) == ("ES256", "KEY1", "TEAM1")
    assert abs(claims["iat"] - clock.now().timestamp()) < 60


def test_the_token_and_the_connection_serve_for_many_pushes(apple: Apple) -> None:
    for _ in range(3):
        send(IPHONE)

    assert len({one["authorization"] for one in apple.requests}) == 1
    assert len(apple.connections) == 1


@pytest.mark.parametrize(("minutes", "renewed"), [(49, False), (51, True)])
def test_the_token_is_renewed_after_50_minutes(apple: Apple, minutes: int, renewed: bool) -> None:
    send(IPHONE)
    with clock.moved_by(timedelta(minutes=minutes)):
        send(IPHONE)

    first, second = (apple.provider_token(number)[1]["iat"] for number in (0, 1))
    assert (first != second) is renewed


@pytest.mark.parametrize("reason", ["ExpiredProviderToken", "InvalidProviderToken"])
def test_a_token_that_apple_refuses_is_made_anew(apple: Apple, reason: str) -> None:
    apple.answers(403, reason)
    assert not isinstance(refused(IPHONE), TokenGoneError)
    apple.answers(200)
    send(IPHONE)

    assert apple.requests[0]["authorization"] != apple.requests[1]["authorization"]


@pytest.mark.parametrize(
    ("status", "reason", "gone"),
    [
        (410, "Unregistered", True),
        (410, "ExpiredToken", True),
        (410, None, True),
        (400, "BadDeviceToken", True),
        (400, "DeviceTokenNotForTopic", False),
        (400, "BadTopic", False),
        (403, "Forbidden", False),
        (404, "BadPath", False),
        (429, "TooManyRequests", False),
        (500, "InternalServerError", False),
        (503, None, False),
    ],
)
def test_apples_answers(apple: Apple, status: int, reason: str | None, gone: bool) -> None:
    apple.answers(status, reason)

    error = refused(IPHONE)

    assert isinstance(error, TokenGoneError) is gone
    assert gone or str(status) in error.reason
    assert gone or reason is None or f"({reason})" in error.reason


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"\xff", json.dumps({"reason": TOKEN}).encode(), b'{"reason": {}}']
)
def test_what_apple_should_not_say_is_not_repeated(apple: Apple, body: bytes) -> None:
    apple.answers(400)
    apple.body = body

    assert refused(IPHONE).reason == "Apple's push service answered 400."


def test_a_token_of_the_sandbox_goes_there(apple: Apple, settings: Settings) -> None:
    settings.APNS_URL, settings.APNS_SANDBOX_URL = settings.APNS_SANDBOX_URL, apple.url

    send(Target(PushService.APNS, Environment.SANDBOX, TOKEN))

    assert len(apple.requests) == 1
    assert "could not be reached" in refused(IPHONE).reason


def test_a_connection_that_apple_closed_costs_no_push(
    resting: Apple, folder: Path, settings: Settings
) -> None:
    with listening(resting, folder) as port:
        settings.APNS_URL = resting.url
        send(IPHONE)
    with listening(resting, folder, port):
        send(IPHONE)

    assert len(resting.requests) == 2


def test_apple_under_another_authoritys_certificate_is_not_apple(
    resting: Apple, settings: Settings, tmp_path: Path
) -> None:
    with listening(resting, certificates(tmp_path)):
        settings.APNS_URL = resting.url
        assert "could not be reached" in refused(IPHONE).reason

    assert resting.requests == []


def test_services_that_are_away_or_hang_are_tried_again(
    apple: Apple, settings: Settings, google: Google
) -> None:
    settings.PUSH_TIMEOUT_SECONDS, apple.hangs = 1, True
    settings.FCM_URL = f"http://{NOBODY}"

    for target in (IPHONE, PIXEL):
        error = refused(target)
        assert not isinstance(error, TokenGoneError)
        assert "could not be reached" in error.reason


def test_google_is_sent_a_constant_data_message(google: Google) -> None:
    send(PIXEL)

    assert google.messages == [
        (
            "/v1/projects/semafore-test/messages:send",
            "Bearer access-token-of-google-1",
            {
                "message": {
                    "token": PIXEL.token,
                    "data": {"wake": "1"},
                    "android": {"collapse_key": "wake", "priority": "high"},
                }
            },
        )
    ]


def test_google_is_signed_in_to_by_a_signed_assertion_once_an_hour(google: Google) -> None:
    send(PIXEL)
    send(PIXEL)
    with clock.moved_by(timedelta(minutes=54)):
        send(PIXEL)
    (claims,) = google.sign_ins
    with clock.moved_by(timedelta(minutes=56)):
        send(PIXEL)

    assert claims["iss"] == "push@semafore-test.example"
    assert claims["scope"] == "https://www.googleapis.com/auth/firebase.messaging"
    assert (claims["alg"], claims["kid"]) == ("RS256", "key-1")
    assert claims["exp"] - claims["iat"] == 3600
    assert len(google.sign_ins) == 2


def test_a_sign_in_that_google_refuses_is_tried_again(google: Google) -> None:
    google.sign_in_status = 403
    assert refused(PIXEL).reason == "Google's sign-in answered 403."
    google.sign_in_status, google.expires_in = 200, "soon"
    assert "makes no sense" in refused(PIXEL).reason
    google.expires_in = 3600
    send(PIXEL)

    assert len(google.messages) == 1


def test_an_access_token_that_google_refuses_is_made_anew(google: Google) -> None:
    google.status = 401
    refused(PIXEL)
    google.status = 200
    send(PIXEL)

    assert [one[1] for one in google.messages] == [
        f"Bearer access-token-of-google-{number}" for number in (1, 2)
    ]


def test_a_token_that_google_does_not_know_is_gone(google: Google) -> None:
    google.unregistered()

    assert isinstance(refused(PIXEL), TokenGoneError)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"error": {"status": "NOT_FOUND"}}),
        (404, {"error": {"details": [7, {"errorCode": "QUOTA_EXCEEDED"}]}}),
        (404, {"error": {"details": "UNREGISTERED"}}),
        (404, b"<html>"),
        (400, {"error": {"details": [{"errorCode": "UNREGISTERED"}]}}),
        (400, {"error": {"message": PIXEL.token}}),
        (403, {"error": {"details": [{"errorCode": "SENDER_ID_MISMATCH"}]}}),
        (429, {}),
        (500, b""),
        (503, {}),
    ],
)
def test_other_answers_of_google_are_tried_again(google: Google, status: int, body: Any) -> None:
    google.status, google.body = status, body

    error = refused(PIXEL)

    assert not isinstance(error, TokenGoneError)
    assert error.reason == f"Google's push service answered {status}."


def test_a_service_that_is_not_set_up_says_so(fresh: None) -> None:
    assert refused(IPHONE).reason == "Apple's push service is not set up on this server."
    assert refused(PIXEL).reason == "Google's push service is not set up on this server."


def test_nothing_of_tokens_and_credentials_is_logged(
    apple: Apple, google: Google, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever level is set for all."""
    caplog.set_level(logging.DEBUG)
    send(IPHONE)
    send(PIXEL)
    apple.answers(410, "Unregistered")
    refused(IPHONE)
    google.unregistered()
    refused(PIXEL)

    secrets = [TOKEN, PIXEL.token, apple.requests[0]["authorization"][8:], "access-token-of-google"]
    assert [secret for secret in secrets if secret in caplog.text] == []


def test_a_target_shows_no_token() -> None:
    assert TOKEN not in repr(IPHONE)


def test_the_file_backend_appends_lines(settings: Settings, tmp_path: Path) -> None:
    settings.PUSH_BACKEND, settings.PUSH_FILE = "file", str(tmp_path / "push.jsonl")
    send(IPHONE)
    send(PIXEL)

    lines = [json.loads(line) for line in (tmp_path / "push.jsonl").read_text().splitlines()]
    assert [(line["service"], line["to"]) for line in lines] == [
        ("apns", TOKEN),
        ("fcm", PIXEL.token),
    ]


def test_the_console_backend_prints(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.PUSH_BACKEND = "console"
    send(PIXEL)
    assert f"Push by fcm to {PIXEL.token}" in capsys.readouterr().out
