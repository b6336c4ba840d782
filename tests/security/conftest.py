"""Exports lie in a folder of the test's own; an hour in which to look."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from tests.moments import HOUR, beginning


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    """Where the objects lie."""
    place = tmp_path / "exports"
    own: dict[str, Any] = dict(settings.STORAGES["exports"])
    own["OPTIONS"] = own["OPTIONS"] | {"location": str(place)}
    settings.STORAGES = {**settings.STORAGES, "exports": own}
    return place


@pytest.fixture
def early_in_an_hour() -> Iterator[None]:
    """No hour ends meanwhile, in which looks at looks are recorded once; nor a day, and with it
    what forms propose.
    """
    with beginning(HOUR):
        yield
