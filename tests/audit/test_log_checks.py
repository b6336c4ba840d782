"""What the system checks say of a log's name and keys."""

import pytest
from pytest_django import Settings

from audit.checks import log_settings_hold


def found() -> list[str | None]:
    return [message.id for message in log_settings_hold()]


def test_the_settings_of_the_tests_hold() -> None:
    assert found() == []


@pytest.mark.parametrize("host", ["", "log example", "log+1", "log\n.example.org", "log\u00a0x"])
def test_a_host_that_cannot_begin_a_name(settings: Settings, host: str) -> None:
    settings.LOG_HOST = host

    assert found() == ["audit.E101"]


def test_a_key_that_stands_twice(settings: Settings) -> None:
    settings.CHECKPOINT_KEYS = [bytes(32), bytes(range(32)), bytes(32)]

    assert found() == ["audit.E102"]


def test_receipts_have_a_key_of_their_own(settings: Settings) -> None:
    settings.RECEIPT_KEY = bytes(32)
    settings.CHECKPOINT_KEYS = [bytes(32)]

    assert found() == ["audit.E103"]
