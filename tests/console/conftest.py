"""Guests come in by SMS: the outbox of each test is its own, not that of all workers."""

from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def outbox(settings: Settings, tmp_path: Path) -> Path:
    settings.SMS_FILE = str(tmp_path / "sms.jsonl")
    return tmp_path / "sms.jsonl"
