"""Exports lie in a folder of the test's own."""

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    """Where the objects lie."""
    place = tmp_path / "exports"
    own: dict[str, Any] = dict(settings.STORAGES["exports"])
    own["OPTIONS"] = own["OPTIONS"] | {"location": str(place)}
    settings.STORAGES = {**settings.STORAGES, "exports": own}
    return place
