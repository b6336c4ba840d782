"""Fixtures of the tests of the audit log's pages."""

from collections.abc import Iterator

import pytest

from tests.moments import HOUR, beginning


@pytest.fixture(autouse=True)
def no_hour_ends() -> Iterator[None]:
    """Nor a day: what a test sees of today or of this hour stays so."""
    with beginning(HOUR):
        yield
