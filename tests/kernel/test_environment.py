"""Settings from the environment: a bad value stops the start and says what to do."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from semafore import environment

NAME = "SEMAFORE_TEST_VALUE"


def read(
    monkeypatch: pytest.MonkeyPatch, value: str | None, reader: Callable[..., Any], **options: Any
) -> Any:
    if value is None:
        monkeypatch.delenv(NAME, raising=False)
    else:
        monkeypatch.setenv(NAME, value)
    return reader(NAME, **options)


@pytest.mark.parametrize("value", ["true", "True", "1", "yes", "ON", " true "])
def test_true_has_several_spellings(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    assert read(monkeypatch, value, environment.boolean) is True


@pytest.mark.parametrize("value", ["false", "0", "no", "Off"])
def test_false_has_several_spellings(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    assert read(monkeypatch, value, environment.boolean, default=True) is False


@pytest.mark.parametrize("value", [None, "", "   "])
def test_what_is_not_set_has_its_default(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    assert read(monkeypatch, value, environment.boolean, default=True) is True
    assert read(monkeypatch, value, environment.text, default="x") == "x"
    assert read(monkeypatch, value, environment.integer, default=7, least=1, most=9) == 7
    assert read(monkeypatch, value, environment.words, default="a,b") == ["a", "b"]
    url = read(monkeypatch, value, environment.url, default="http://x", schemes=("http",))
    assert url == "http://x"


@pytest.mark.parametrize("value", ["1", "9", " 5 "])
def test_a_number_within_its_bounds_is_read(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    assert read(monkeypatch, value, environment.integer, default=7, least=1, most=9) == int(value)


@pytest.mark.parametrize("value", ["0", "10", "-1", "seven", "1.5", "1e1", "0x7", "7 8"])
def test_another_number_names_variable_value_and_remedy(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        read(monkeypatch, value, environment.integer, default=7, least=1, most=9)

    message = str(caught.value)
    assert NAME in message
    assert repr(value) in message
    assert "from 1 to 9" in message


@pytest.mark.parametrize("value", ["maybe", "2", "tru", "nein"])
def test_what_is_neither_true_nor_false_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{NAME} is '{value}'.*Remedy"):
        read(monkeypatch, value, environment.boolean)


@pytest.mark.parametrize("value", [None, "", "  "])
def test_what_is_required_must_be_set(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{NAME} is not set. Remedy: set it to a horse"):
        read(monkeypatch, value, environment.required, remedy="set it to a horse")


def test_an_address_loses_its_last_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    address = read(
        monkeypatch, "https://x.example/", environment.url, default="", schemes=("https",)
    )
    assert address == "https://x.example"


def test_a_wrong_address_is_not_printed_for_it_may_hold_a_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        read(
            monkeypatch,
            "mysql://semafore:hunter2@db/semafore",
            environment.url,
            default="",
            schemes=("postgresql",),
        )

    assert NAME in str(caught.value)
    assert "postgresql://" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_words_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, " a, b ,,c", environment.words) == ["a", "b", "c"]


def test_the_seeds_names_and_defaults_are_kept() -> None:
    assert settings.SPK_MAX_AGE.total_seconds() == 168 * 3600
    assert settings.SPK_GRACE_PERIOD.total_seconds() == 168 * 3600
    assert settings.KEY_BUNDLE_REPLENISHMENT_THRESHOLD == 5


# The settings themselves, in a process of their own


def start(**changed: str | None) -> subprocess.CompletedProcess[str]:
    """Read the settings as a process does that starts with these variables."""
    env = os.environ | {name: value for name, value in changed.items() if value is not None}
    for name, value in changed.items():
        if value is None:
            env.pop(name, None)
    code = "import django; django.setup(); from semafore.wsgi import application; print('started')"
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=env | {"DJANGO_SETTINGS_MODULE": "semafore.settings"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_settings_as_they_are_start() -> None:
    assert start().stdout == "started\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", None),
        ("DEBUG", "perhaps"),
        ("SPK_MAX_AGE_HOURS", "0"),
        ("SPK_GRACE_PERIOD_HOURS", "a week"),
        ("KEY_BUNDLE_REPLENISHMENT_THRESHOLD", "-1"),
        ("DATABASE_URL", "sqlite:///db.sqlite3"),
        ("REDIS_URL", "localhost:6379"),
        ("BASE_URL", "semafore.example"),
        ("MIN_APP_VERSION", "latest"),
    ],
)
def test_a_bad_setting_stops_the_start_and_names_itself(name: str, value: str | None) -> None:
    started = start(**{name: value})

    assert started.returncode != 0
    last = started.stderr.strip().splitlines()[-1]
    assert last.startswith("django.core.exceptions.ImproperlyConfigured:")
    assert name in last
    assert "Remedy" in last
