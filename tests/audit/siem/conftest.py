"""Fixtures of the SIEM's tests."""

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from pytest_django import Settings

from tests.audit.siem.receivers import Receiver, receiver, takes


@pytest.fixture
def inside_allowed(settings: Settings) -> None:
    """As on premises: receivers on this machine are allowed."""
    settings.SIEM_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8"), ip_network("::1/128")]


@pytest.fixture
def splunk(inside_allowed: None) -> Iterator[Receiver]:
    """A receiver on this machine that behaves."""
    with receiver(takes) as found:
        yield found
