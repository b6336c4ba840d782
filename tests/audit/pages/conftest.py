"""Fixtures of the tests of the audit log's pages."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from semafore.kernel import clock


@pytest.fixture(autouse=True)
def no_hour_ends() -> Iterator[None]:
    """Nor a day, for half an hour: what a test sees of today or of this hour stays so."""
    late = clock.now().minute >= 30
    with clock.moved_by(timedelta(minutes=-30 if late else 0)):
        yield
