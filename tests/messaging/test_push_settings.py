"""Settings of pushes: what can't work stops the start and says what to do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from messaging.checks import production_wakes_devices
from semafore import environment
from tests.messaging.push_services import Google, pem, rsa_key

NAME = "SEMAFORE_TEST_KEY"
P256 = pem(ec.generate_private_key(ec.SECP256R1()))
ACCOUNT = json.dumps(Google(url="https://oauth2.example").account)


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "import semafore.settings"],
        env={**os.environ, "PUSH_BACKEND": "service", **variables},
        cwd=django_settings.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"PUSH_BACKEND": "pigeon"}, "PUSH_BACKEND is 'pigeon'"),
        ({}, "set APNS_KEY (Apple), FCM_CREDENTIALS (Google) or both"),
        ({"APNS_KEY": P256}, "APNS_KEY_ID is not set"),
        (
            {"APNS_KEY": P256, "APNS_KEY_ID": "K", "APNS_TEAM_ID": "T"},
            "APNS_TOPIC is not set. Remedy: set it to the app's bundle id",
        ),
        ({"FCM_CREDENTIALS": ACCOUNT, "FCM_URL": "http://x"}, "FCM_URL is"),
    ],
)
def test_what_cannot_work_stops_the_start(variables: dict[str, str], said: str) -> None:
    ended = start(**variables)

    assert ended.returncode != 0
    assert said in ended.stderr


@pytest.mark.parametrize(
    "variables",
    [
        {"FCM_CREDENTIALS": ACCOUNT},
        {"APNS_KEY": P256, "APNS_KEY_ID": "K", "APNS_TEAM_ID": "T", "APNS_TOPIC": "app"},
    ],
)
def test_one_of_the_services_is_enough(variables: dict[str, str]) -> None:
    assert start(**variables).stderr == ""


def test_a_key_stands_in_the_variable_or_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key.p8").write_text(P256)
    for value in (P256, P256.strip().replace("\n", "\\n"), str(tmp_path / "key.p8")):
        monkeypatch.setenv(NAME, value)
        assert environment.ec_key(NAME).strip() == P256.strip()
    monkeypatch.delenv(NAME)
    assert environment.ec_key(NAME) == ""
    assert environment.service_account(NAME) == {}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("/nowhere/key.p8", "No such file or directory"),
        ("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----", "not usable"),
        (pem(rsa_key()), "not a P-256 private key"),
        (pem(ec.generate_private_key(ec.SECP384R1())), "not a P-256 private key"),
    ],
)
def test_what_is_no_key_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, value: str, said: str
) -> None:
    monkeypatch.setenv(NAME, value)
    with pytest.raises(ImproperlyConfigured) as caught:
        environment.ec_key(NAME)

    assert NAME in str(caught.value)
    assert said in str(caught.value)
    assert "Remedy" in str(caught.value)
    assert value.splitlines()[-1] not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"project_id": None}, "it has no project_id"),
        ({"private_key": "x"}, "not usable"),
        ({"private_key": P256}, "its private_key is not an RSA key"),
    ],
)
def test_what_is_no_service_account_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None], said: str
) -> None:
    monkeypatch.setenv(NAME, json.dumps(json.loads(ACCOUNT) | changes))
    with pytest.raises(ImproperlyConfigured) as caught:
        environment.service_account(NAME)

    assert said in str(caught.value)
    assert "PRIVATE KEY" not in str(caught.value)


@pytest.mark.parametrize(("backend", "warnings"), [("file", 1), ("console", 1), ("service", 0)])
def test_production_is_told_that_it_wakes_nobody(
    settings: Settings, backend: str, warnings: int
) -> None:
    settings.PUSH_BACKEND = backend

    assert [one.id for one in production_wakes_devices()] == ["messaging.W001"] * warnings
